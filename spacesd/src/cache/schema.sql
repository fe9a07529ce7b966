-- The local read model. Disposable: any change here raises SCHEMA in store.rs,
-- and an older file is deleted and filled again from the hub.

CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;

-- Identities and repeated texts are stored once and referred to by number.
CREATE TABLE user(
  ref INTEGER PRIMARY KEY,
  identity BLOB NOT NULL UNIQUE,
  username TEXT,
  display_name TEXT,
  bio TEXT,
  avatar_url TEXT,
  kind INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL DEFAULT 0,
  -- 0 while only referred to, and after the hub has removed the user.
  known INTEGER NOT NULL DEFAULT 0,
  online INTEGER NOT NULL DEFAULT 0,
  status_text TEXT,
  last_seen INTEGER
);
CREATE INDEX user_name ON user(username COLLATE NOCASE);
CREATE TABLE word(ref INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);

CREATE TABLE agent(
  id INTEGER PRIMARY KEY,
  address TEXT NOT NULL,
  owner INTEGER NOT NULL,
  tool TEXT NOT NULL,
  description TEXT,
  created_at INTEGER NOT NULL,
  last_seen INTEGER NOT NULL
);
CREATE INDEX agent_address ON agent(address COLLATE NOCASE);
CREATE INDEX agent_owner ON agent(owner);

CREATE TABLE session(
  id TEXT PRIMARY KEY,
  agent_id INTEGER NOT NULL,
  owner INTEGER NOT NULL,
  tool TEXT NOT NULL,
  repo TEXT,
  branch TEXT,
  commit_hash TEXT,
  paths TEXT,
  task TEXT,
  state INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  ended_at INTEGER
) WITHOUT ROWID;
CREATE INDEX session_seen ON session(last_seen);
CREATE INDEX session_repo ON session(repo, last_seen);

CREATE TABLE claim(
  id INTEGER PRIMARY KEY,
  session_id TEXT NOT NULL,
  owner INTEGER NOT NULL,
  repo TEXT NOT NULL,
  patterns TEXT,
  task TEXT,
  exclusive INTEGER NOT NULL,
  reason TEXT,
  expires_at INTEGER NOT NULL
);
CREATE INDEX claim_repo ON claim(repo, expires_at);
CREATE INDEX claim_session ON claim(session_id);

CREATE TABLE server(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  description TEXT,
  icon_url TEXT,
  visibility INTEGER NOT NULL,
  created_at INTEGER NOT NULL
);
CREATE TABLE member(
  id INTEGER PRIMARY KEY,
  server_id INTEGER NOT NULL,
  user INTEGER NOT NULL,
  role INTEGER NOT NULL,
  joined_at INTEGER NOT NULL,
  muted_until INTEGER
);
CREATE INDEX member_server ON member(server_id, role);
CREATE INDEX member_user ON member(user);

CREATE TABLE channel(
  id INTEGER PRIMARY KEY,
  server_id INTEGER NOT NULL,
  name TEXT NOT NULL,
  topic TEXT,
  channel_type INTEGER NOT NULL,
  visibility INTEGER NOT NULL,
  position INTEGER NOT NULL,
  slow_mode_secs INTEGER NOT NULL,
  archived INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  -- The other end of a DM; null for every other channel.
  peer INTEGER
);
CREATE INDEX channel_name ON channel(name COLLATE NOCASE);
CREATE INDEX channel_peer ON channel(peer) WHERE peer IS NOT NULL;
-- How far each channel has been read, and what that leaves, kept as a count so
-- that no read has to count messages.
CREATE TABLE read_state(
  channel_id INTEGER PRIMARY KEY,
  last_read INTEGER NOT NULL DEFAULT 0,
  unread INTEGER NOT NULL DEFAULT 0
);
-- Channels that are gone, whose messages are still to be deleted.
CREATE TABLE doomed(channel_id INTEGER PRIMARY KEY);

CREATE TABLE thread(
  id INTEGER PRIMARY KEY,
  channel_id INTEGER NOT NULL,
  name TEXT NOT NULL,
  creator INTEGER NOT NULL,
  archived INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  last_message_at INTEGER NOT NULL
);
CREATE INDEX thread_channel ON thread(channel_id, last_message_at);

-- Ids and seqs come from one sequence of the hub: the id is the first seq of a
-- message. So it is the id that a read mark is compared with, and a reaction to
-- an old message does not make it unread again.
CREATE TABLE message(
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL,
  channel_id INTEGER NOT NULL,
  -- Its place in the channel, counted from 1 without gaps; 0 of a note.
  ordinal INTEGER NOT NULL,
  -- 1 where the message before it in the channel exists and is not here: never
  -- fetched, or deleted here to keep within the limits.
  apart INTEGER NOT NULL DEFAULT 0,
  thread_id INTEGER,
  author INTEGER NOT NULL,
  agent INTEGER,
  session INTEGER,
  kind INTEGER NOT NULL,
  repo INTEGER,
  branch INTEGER,
  commit_hash TEXT,
  paths TEXT,
  reply_to INTEGER,
  mentions TEXT,
  reactions TEXT,
  created_at INTEGER NOT NULL,
  edited_at INTEGER,
  deleted INTEGER NOT NULL,
  private INTEGER NOT NULL,
  done_by INTEGER,
  done_at INTEGER,
  client_key BLOB,
  content TEXT NOT NULL
);
CREATE INDEX message_channel ON message(channel_id, id);
CREATE INDEX message_apart ON message(channel_id, id) WHERE apart = 1;
CREATE INDEX message_author ON message(author, channel_id, id);
CREATE INDEX message_thread ON message(thread_id, id) WHERE thread_id IS NOT NULL;
CREATE INDEX message_kind ON message(channel_id, kind, id) WHERE kind <> 0;
CREATE INDEX message_session ON message(session, id) WHERE session IS NOT NULL;
CREATE INDEX message_repo ON message(repo, kind, id) WHERE repo IS NOT NULL;
CREATE INDEX message_branch ON message(repo, branch, kind, id) WHERE repo IS NOT NULL;
CREATE INDEX message_recent_kind ON message(kind, id) WHERE kind <> 0;
CREATE INDEX note_open ON message(repo, branch, id)
  WHERE kind = 6 AND done_at IS NULL AND deleted = 0;
CREATE INDEX message_key ON message(client_key) WHERE client_key IS NOT NULL;
CREATE VIRTUAL TABLE message_text USING fts5(
  content, content = 'message', content_rowid = 'id',
  tokenize = "unicode61 remove_diacritics 2"
);

CREATE TABLE inbox(
  id INTEGER PRIMARY KEY,
  reason INTEGER NOT NULL,
  message_id INTEGER,
  detail TEXT,
  created_at INTEGER NOT NULL,
  read INTEGER NOT NULL DEFAULT 0,
  shown INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX inbox_unread ON inbox(id) WHERE read = 0;
CREATE INDEX inbox_message ON inbox(message_id) WHERE message_id IS NOT NULL;

CREATE TABLE voice(
  user INTEGER PRIMARY KEY,
  channel_id INTEGER NOT NULL,
  muted INTEGER NOT NULL,
  deafened INTEGER NOT NULL,
  speaking INTEGER NOT NULL,
  since INTEGER NOT NULL,
  agent TEXT
);
CREATE TABLE invite(
  id INTEGER PRIMARY KEY,
  server_id INTEGER NOT NULL,
  role INTEGER NOT NULL,
  uses INTEGER NOT NULL,
  max_uses INTEGER NOT NULL,
  expires_at INTEGER,
  by INTEGER NOT NULL
);
CREATE TABLE ban(
  id INTEGER PRIMARY KEY,
  server_id INTEGER NOT NULL,
  user INTEGER NOT NULL,
  reason TEXT,
  until INTEGER,
  by INTEGER NOT NULL
);
CREATE TABLE audit(
  id INTEGER PRIMARY KEY,
  server_id INTEGER NOT NULL,
  actor INTEGER NOT NULL,
  action TEXT NOT NULL,
  target TEXT,
  detail TEXT,
  at INTEGER NOT NULL
);
CREATE INDEX audit_server ON audit(server_id, id);

CREATE TABLE event(
  cursor INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  body TEXT NOT NULL
);
