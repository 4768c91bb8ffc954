"use strict";
// An app made with Slack's own framework, over Socket Mode: given the addresses and tokens, it
// acknowledges what it is told, prints what that was, and ends after so many.

const { App, LogLevel } = require("@slack/bolt");
const { readFileSync } = require("node:fs");

const given = JSON.parse(readFileSync(0, "utf8"));
const app = new App({
  token: given.token,
  appToken: given.appToken,
  socketMode: true,
  logLevel: LogLevel.ERROR,
  clientOptions: { slackApiUrl: given.url, retryConfig: { retries: 0 } },
});
let left = given.number;

async function tell(found) {
  process.stdout.write(`${JSON.stringify(found)}\n`);
  left -= 1;
  if (left === 0) {
    await app.stop();
    process.exit(0);
  }
}

app.action(/.*/, async ({ ack, action, body, context }) => {
  await ack();
  const value = action.value || action.selected_option.value;
  await tell({ kind: action.type, value, user: body.user.id, channel: body.channel.id, team: context.teamId });
});

app.command("/topicwire", async ({ ack, command }) => {
  await ack({ response_type: "ephemeral", text: `heard ${command.text}` });
  await tell({ kind: "command", value: command.text, user: command.user_id, channel: command.channel_id });
});

app.error(async (error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});

app.start().then(() => process.stdout.write('{"kind":"started"}\n'));
