// Written by `spacesctl hooks install opencode`; `spacesctl hooks uninstall opencode` removes it.
// Tells Spaces what happens in OpenCode's sessions, and the agent what its peers do.
// Every call is bounded in time, and every failure is silent here: spacesctl counts its own.

import { spawn } from "node:child_process"

const PROGRAM = "SPACESCTL"
const LIMIT_MS = 1500
const MOST_CONTEXTS = 8
const EDITS = new Set(["edit", "write", "multiedit", "patch", "apply_patch"])

function hook(event, input) {
  return new Promise((resolve) => {
    let output = ""
    let child
    try {
      child = spawn("sh", ["-c", `exec ${PROGRAM} hook ${event} --tool opencode`], {
        stdio: ["pipe", "pipe", "ignore"],
      })
    } catch {
      resolve({})
      return
    }
    const timer = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS)
    child.stdout.on("data", (piece) => (output += piece))
    child.on("error", () => {
      clearTimeout(timer)
      resolve({})
    })
    child.on("close", () => {
      clearTimeout(timer)
      try {
        resolve(JSON.parse(output) ?? {})
      } catch {
        resolve({})
      }
    })
    child.stdin.on("error", () => {})
    child.stdin.end(JSON.stringify(input))
  })
}

export const SpacesPlugin = async ({ client, directory }) => {
  const sessions = new Map()
  const children = new Set()

  const of = (id) => ({ session_id: id, cwd: directory })

  const remember = (session, text) => {
    if (!text) return
    session.contexts.push(text)
    session.contexts.splice(1, Math.max(0, session.contexts.length - MOST_CONTEXTS))
  }

  const started = (id) => {
    if (!sessions.has(id)) {
      const session = { contexts: [], warnings: new Map() }
      session.ready = hook("session-start", of(id)).then((said) => remember(session, said.context))
      sessions.set(id, session)
    }
    return sessions.get(id)
  }

  const lastMessage = async (id) => {
    try {
      const { data } = await client.session.messages({ path: { id } })
      const message = data.findLast(({ info }) => info.role === "assistant")
      const text = message.parts
        .filter((part) => part.type === "text" && !part.synthetic)
        .map((part) => part.text)
        .join("\n")
      return { message_id: message.info.id, last_message: text }
    } catch {
      return {}
    }
  }

  return {
    event: async ({ event }) => {
      const { info, sessionID } = event.properties ?? {}
      if (event.type === "session.created") {
        // Sessions of subagents speak through their parent.
        if (info.parentID) children.add(info.id)
        else started(info.id)
      } else if (event.type === "session.idle" && sessions.has(sessionID)) {
        await hook("stop", { ...of(sessionID), ...(await lastMessage(sessionID)) })
      } else if (event.type === "session.deleted" && sessions.delete(info?.id)) {
        await hook("session-end", of(info.id))
      }
    },

    "chat.message": async ({ sessionID }) => {
      if (children.has(sessionID)) return
      const session = started(sessionID)
      await session.ready
      remember(session, (await hook("user-prompt", of(sessionID))).context)
    },

    "experimental.chat.system.transform": async ({ sessionID }, output) => {
      output.system.push(...(sessions.get(sessionID)?.contexts ?? []))
    },

    "tool.execute.before": async ({ tool, sessionID, callID }, { args }) => {
      if (!EDITS.has(tool)) return
      const said = await hook("pre-tool", { ...of(sessionID), tool, args })
      if (said.deny) throw new Error(said.deny)
      if (said.context) sessions.get(sessionID)?.warnings.set(callID, said.context)
    },

    "tool.execute.after": async ({ tool, sessionID, callID, args }, output) => {
      if (!EDITS.has(tool)) return
      const warnings = sessions.get(sessionID)?.warnings
      const warning = warnings?.get(callID)
      if (warning) {
        warnings.delete(callID)
        output.output = `${output.output}\n${warning}`
      }
      await hook("post-tool", { ...of(sessionID), tool, args })
    },
  }
}
