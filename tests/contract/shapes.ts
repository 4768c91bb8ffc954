// What Slack's own types say of each thing we say, hear or show, by its name.
// They are narrowed where they let anything through, and widened by what Slack's pages
// document and the types lack; each such place says why.

import type { KnownBlock, MessageMetadata } from "@slack/types";
import type {
  AppsConnectionsOpenArguments,
  AppsConnectionsOpenResponse,
  AppsManifestCreateArguments,
  AuthTestArguments,
  AuthTestResponse,
  ChatPostMessageArguments,
  ChatPostMessageResponse,
  ChatUpdateArguments,
  ChatUpdateResponse,
  ConversationsHistoryArguments,
  ConversationsHistoryResponse,
  ConversationsInfoArguments,
  ConversationsInfoResponse,
  ConversationsJoinArguments,
  ConversationsJoinResponse,
  ConversationsRepliesArguments,
  ConversationsRepliesResponse,
  FilesCompleteUploadExternalArguments,
  FilesCompleteUploadExternalResponse,
  FilesGetUploadURLExternalArguments,
  FilesGetUploadURLExternalResponse,
  FilesInfoArguments,
  FilesInfoResponse,
  ViewsOpenArguments,
} from "@slack/web-api";

/** Blocks as `KnownBlock | Block` let any `type` through. */
type Blocks = { blocks?: KnownBlock[] };

/** Not among the arguments, but its errors and `is_duplicate` are documented. */
type Once = { client_msg_id?: string };

/** Documented for chat.update; the types have it, and ask for both its parts. */
type Told = { metadata?: MessageMetadata };

/** The answer to a slash command and what a `response_url` takes: docs.slack.dev, handling user interaction. */
interface Answer {
  response_type?: "ephemeral" | "in_channel";
  replace_original?: boolean;
  delete_original?: boolean;
  thread_ts?: string;
  text?: string;
  blocks?: KnownBlock[];
}

/** The body for an incoming webhook: docs.slack.dev, sending messages using incoming webhooks. */
interface Webhook {
  text: string;
  blocks?: KnownBlock[];
}

/** The types ask for neither, and Slack for one of them: docs.slack.dev, section block. */
type Said = { text: string };

export interface Requests {
  "apps.connections.open": AppsConnectionsOpenArguments;
  "auth.test": AuthTestArguments;
  "chat.postMessage": ChatPostMessageArguments & Blocks & Once & Told & Said;
  "chat.update": ChatUpdateArguments & Blocks & Told & Said;
  "conversations.history": ConversationsHistoryArguments;
  "conversations.info": ConversationsInfoArguments;
  "conversations.join": ConversationsJoinArguments;
  "conversations.replies": ConversationsRepliesArguments;
  "files.completeUploadExternal": FilesCompleteUploadExternalArguments;
  "files.getUploadURLExternal": FilesGetUploadURLExternalArguments;
  "files.info": FilesInfoArguments;
  "views.open": ViewsOpenArguments;
}

export interface Responses {
  "apps.connections.open": AppsConnectionsOpenResponse;
  "auth.test": AuthTestResponse;
  "chat.postMessage": ChatPostMessageResponse;
  "chat.update": ChatUpdateResponse;
  "conversations.history": ConversationsHistoryResponse;
  "conversations.info": ConversationsInfoResponse;
  "conversations.join": ConversationsJoinResponse;
  "conversations.replies": ConversationsRepliesResponse;
  "files.completeUploadExternal": FilesCompleteUploadExternalResponse;
  "files.getUploadURLExternal": FilesGetUploadURLExternalResponse;
  "files.info": FilesInfoResponse;
}

export interface Others {
  answer: Answer;
  blocks: KnownBlock[];
  manifest: AppsManifestCreateArguments["manifest"];
  metadata: MessageMetadata;
  webhook: Webhook;
}
