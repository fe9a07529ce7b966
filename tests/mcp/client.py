"""The official Python SDK as a program: one request a line in, one answer a line out.

Usage: client.py auto|legacy COMMAND ARGUMENT...

`auto` probes with `server/discover` and falls back to `initialize`; `legacy`
begins with `initialize`. All checks are made by whoever reads the answers.
"""

import asyncio
import json
import os
import sys

from mcp import Client, MCPError, StdioServerParameters


def texts(contents):
    return [content.text for content in contents]


async def answer(client, request):
    match request["do"]:
        case "about":
            return {
                "protocol": client.protocol_version,
                "server": client.server_info.name if client.server_info else None,
                "instructions": client.instructions,
            }
        case "tools":
            tools = (await client.list_tools()).tools
            return [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]
        case "call":
            result = await client.call_tool(request["tool"], request["arguments"])
            return {"error": bool(result.is_error), "text": "\n".join(texts(result.content))}
        case "resources":
            found = (await client.list_resources()).resources
            return [{"uri": str(resource.uri), "name": resource.name} for resource in found]
        case "templates":
            found = (await client.list_resource_templates()).resource_templates
            return [template.uri_template for template in found]
        case "read":
            contents = (await client.read_resource(request["uri"])).contents
            return {"text": "\n".join(texts(contents))}
        case "prompts":
            return [prompt.name for prompt in (await client.list_prompts()).prompts]
        case "prompt":
            result = await client.get_prompt(request["name"], request["arguments"])
            return {"text": "\n".join(message.content.text for message in result.messages)}
        case unknown:
            raise ValueError(f"unknown request {unknown}")


async def main(mode, command, *arguments):
    server = StdioServerParameters(
        command=command, args=list(arguments), env=dict(os.environ), cwd=os.getcwd()
    )
    async with Client(server, mode=mode) as client:
        lines = asyncio.StreamReader(limit=1 << 24)
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(lines), sys.stdin
        )
        while line := await lines.readline():
            try:
                reply = {"ok": await answer(client, json.loads(line))}
            except MCPError as error:
                reply = {"refused": {"code": error.code, "message": error.message}}
            print(json.dumps(reply), flush=True)


asyncio.run(main(*sys.argv[1:]))
