use std::sync::Arc;

use arcan_core::protocol::ToolCall;
use arcan_core::runtime::{Middleware, ToolContext, ToolRegistry};
use arcan_spaces::{SpacesActivityMiddleware, SpacesDaemon, register_spaces_tools};
use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let daemon = SpacesDaemon::from_env()?;
    let mut tools = ToolRegistry::default();
    register_spaces_tools(&mut tools, &daemon);
    let activity: Arc<dyn Middleware> =
        Arc::new(SpacesActivityMiddleware::new(&daemon, "#agent-logs"));

    // What an orchestrator does with both at each tool call:
    let context = ToolContext {
        run_id: "run-1".into(),
        session_id: "arcan-recipe".into(),
        iteration: 1,
    };
    let call = ToolCall {
        call_id: "call-1".into(),
        tool_name: "spaces_send_message".into(),
        input: json!({ "channel": "#general", "content": "hello from Arcan" }),
    };
    let tool = tools.get(&call.tool_name).ok_or("the tool is registered")?;
    let result = tool.execute(&call, &context)?;
    activity.post_tool_call(&context, &result)?;
    println!("{}", result.output["state"]);
    Ok(())
}
