"use strict";
// What two parsers of Slack's mrkdwn, which nobody here wrote, make of texts:
// given a list of texts, for each of them a list of [kind, source], plain text left out.

const { parse, NodeType } = require("slack-message-parser");
const markdown = require("simple-markdown");
const { rules } = require("slack-markdown");
const { readFileSync } = require("node:fs");

const LINKS = { UserLink: "mention", ChannelLink: "mention", Command: "mention", URL: "link" };
const nameOf = Object.fromEntries(Object.entries(NodeType).map(([name, value]) => [value, name]));
// What an emoji can be called: letters, digits and a few signs, but nothing invisible.
const EMOJI = /^[\p{L}\p{M}\p{N}_+'-]+$/u;

function byMessageParser(text) {
  const found = [];
  const walk = (node) => {
    const name = nameOf[node.type];
    if (name === "Emoji") {
      if (EMOJI.test(node.name)) found.push(["emoji", node.source]);
    } else if (name !== "Root" && name !== "Text") {
      found.push([LINKS[name] || name.toLowerCase(), node.source]);
    }
    for (const child of [...(node.children || []), ...(node.label || [])]) walk(child);
  };
  walk(parse(text));
  return found;
}

const MARKDOWN = {
  em: "italic", strong: "bold", strike: "strike", inlineCode: "code", codeBlock: "pretext",
  blockQuote: "quote", autolink: "link", url: "link", emoji: "emoji", slackUser: "mention",
  slackChannel: "mention", slackUserGroup: "mention", slackAtHere: "mention", slackAtChannel: "mention",
  slackAtEveryone: "mention", slackDate: "mention",
};
const markdownParser = markdown.parserFor(rules);

function byMarkdown(text) {
  const found = [];
  const walk = (node) => {
    if (Array.isArray(node)) return node.forEach(walk);
    if (!node || typeof node !== "object") return undefined;
    const kind = MARKDOWN[node.type];
    if (kind && !(kind === "emoji" && !node.isEmoji && !EMOJI.test(String(node.content).slice(1, -1)))) {
      found.push([kind, String(node.target || node.id || node.type)]);
    }
    return walk(node.content);
  };
  walk(markdownParser(text, { inline: true, inQuote: false }));
  return found;
}

const texts = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(texts.map((text) => [byMessageParser(text), byMarkdown(text)])));
