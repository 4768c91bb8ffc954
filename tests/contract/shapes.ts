// What Slack's own types say of each thing we say, hear or show, by its name.
// They are narrowed where they let anything through, and widened by what Slack's pages
// document and the types lack; each such place says why.

import type { BlockAction, ButtonAction, RespondArguments, SlashCommand } from "@slack/bolt";
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

/** `KnownBlock | Block` would let any `type` through; with blocks and text there is no room for markdown. */
type Shown = { text: string; blocks?: KnownBlock[]; markdown_text?: never };

/** Not among the arguments, but its errors and `is_duplicate` are documented. */
type Once = { client_msg_id?: string };

/** The types make both its parts optional where it may hold entities as well; ours holds none. */
type Told = { metadata?: MessageMetadata };

/** An answer that says yes has all that we read from it, and one that says no has its reason. */
type Answers<T, K extends keyof T = never> =
  | (T & { ok: true } & { [key in K]-?: NonNullable<T[key]> })
  | (T & { ok: false; error: string });

/** The body for an incoming webhook: docs.slack.dev, sending messages using incoming webhooks. */
interface Webhook {
  text: string;
  blocks?: KnownBlock[];
  unfurl_links?: boolean;
  unfurl_media?: boolean;
}

/** Slack tells of a press on a button with its style, as seen in reports of payloads. */
type Button = ButtonAction & { style?: "primary" | "danger" };

export interface Requests {
  "apps.connections.open": AppsConnectionsOpenArguments;
  "auth.test": AuthTestArguments;
  "chat.postMessage": ChatPostMessageArguments & Shown & Told & Once;
  "chat.update": ChatUpdateArguments & Shown & Told;
  "conversations.history": ConversationsHistoryArguments;
  "conversations.info": ConversationsInfoArguments;
  "conversations.join": ConversationsJoinArguments;
  "conversations.replies": ConversationsRepliesArguments;
  "files.completeUploadExternal": FilesCompleteUploadExternalArguments;
  "files.getUploadURLExternal": FilesGetUploadURLExternalArguments;
  "files.info": FilesInfoArguments;
  "views.open": ViewsOpenArguments;
}

/** The types of answers were drawn from samples, each of which lacks what another has: a message may be as any of them. */
type Posted =
  | NonNullable<ConversationsHistoryResponse["messages"]>[number]
  | NonNullable<ConversationsRepliesResponse["messages"]>[number]
  | NonNullable<ChatPostMessageResponse["message"]>;

type WithMessage<T> = Omit<T, "message"> & { message?: Posted; is_duplicate?: boolean };

type WithFile<T> = Omit<T, "file"> & {
  file?: NonNullable<FilesInfoResponse["file"]> | NonNullable<FilesCompleteUploadExternalResponse["files"]>[number];
};

type WithMessages<T> = Omit<T, "messages"> & { messages?: Posted[] };

export interface Responses {
  "apps.connections.open": Answers<AppsConnectionsOpenResponse, "url">;
  "auth.test": Answers<AuthTestResponse, "user" | "user_id" | "team_id">;
  "chat.postMessage": Answers<WithMessage<ChatPostMessageResponse>, "channel" | "ts" | "message">;
  "chat.update": Answers<WithMessage<ChatUpdateResponse>, "channel" | "ts">;
  "conversations.history": Answers<WithMessages<ConversationsHistoryResponse>, "messages" | "has_more">;
  "conversations.info": Answers<ConversationsInfoResponse, "channel">;
  "conversations.join": Answers<ConversationsJoinResponse, "channel">;
  "conversations.replies": Answers<WithMessages<ConversationsRepliesResponse>, "messages" | "has_more">;
  "files.completeUploadExternal": Answers<FilesCompleteUploadExternalResponse, "files">;
  "files.getUploadURLExternal": Answers<FilesGetUploadURLExternalResponse, "upload_url" | "file_id">;
  "files.info": Answers<WithFile<FilesInfoResponse>, "file">;
}

export interface Others {
  answer: RespondArguments;
  blocks: KnownBlock[];
  click: BlockAction | BlockAction<Button>;
  command: SlashCommand;
  manifest: AppsManifestCreateArguments["manifest"];
  message: Posted;
  metadata: MessageMetadata;
  webhook: Webhook;
}
