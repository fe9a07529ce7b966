// The official TypeScript SDK as a program: one request a line in, one answer a
// line out. All checks are made by whoever reads the answers.
//
// Usage: client.mjs SDK_DIRECTORY COMMAND ARGUMENT...

import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [directory, command, ...args] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${directory}/package.json`));
const sdk = async (name) =>
  import(pathToFileURL(require.resolve(`@modelcontextprotocol/sdk/${name}`)).href);
const { Client } = await sdk("client/index.js");
const { StdioClientTransport } = await sdk("client/stdio.js");

const texts = (contents) => contents.map((content) => content.text).join("\n");

async function answer(client, request) {
  switch (request.do) {
    case "about":
      return {
        server: client.getServerVersion()?.name ?? null,
        instructions: client.getInstructions() ?? null,
      };
    case "tools":
      return (await client.listTools()).tools;
    case "call": {
      const result = await client.callTool({ name: request.tool, arguments: request.arguments });
      return { error: Boolean(result.isError), text: texts(result.content) };
    }
    case "resources":
      return (await client.listResources()).resources.map(({ uri, name }) => ({ uri, name }));
    case "templates":
      return (await client.listResourceTemplates()).resourceTemplates.map((t) => t.uriTemplate);
    case "read":
      return { text: texts((await client.readResource({ uri: request.uri })).contents) };
    case "prompts":
      return (await client.listPrompts()).prompts.map((prompt) => prompt.name);
    case "prompt": {
      const { name, arguments: given } = request;
      const result = await client.getPrompt({ name, arguments: given });
      return { text: texts(result.messages.map((message) => message.content)) };
    }
    default:
      throw new Error(`unknown request ${request.do}`);
  }
}

const client = new Client({ name: "typescript-sdk-test", version: "1" });
const transport = new StdioClientTransport({ command, args, env: process.env, cwd: process.cwd() });
await client.connect(transport);
for await (const line of createInterface({ input: process.stdin })) {
  let reply;
  try {
    reply = { ok: await answer(client, JSON.parse(line)) };
  } catch (error) {
    if (typeof error.code !== "number") throw error;
    reply = { refused: { code: error.code, message: error.message } };
  }
  console.log(JSON.stringify(reply));
}
await client.close();
