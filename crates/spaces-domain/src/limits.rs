//! Every bound, in one place. Lengths of text are in characters (Unicode scalar
//! values), not in bytes.

pub const CONTENT_CHARS: usize = 8_000;
pub const NAME_CHARS: usize = 64;
pub const TOPIC_CHARS: usize = 1_024;
/// Descriptions, biographies, reasons, tasks, status texts.
pub const PROSE_CHARS: usize = 1_024;
pub const URL_CHARS: usize = 2_048;
pub const REPO_CHARS: usize = 512;
pub const BRANCH_CHARS: usize = 256;
pub const COMMIT_CHARS: usize = 64;
pub const PATH_CHARS: usize = 1_024;
/// Paths in a message's context, a session or a note.
pub const PATHS: usize = 200;
pub const TOOL_CHARS: usize = 64;
pub const EMOJI_CHARS: usize = 32;
/// Different emojis under one message.
pub const REACTIONS: usize = 20;
/// Users who gave one emoji to one message.
pub const REACTORS: usize = 1_000;
/// Users whom one message names.
pub const MENTIONS: usize = 50;
/// Readers of a channel that is not open: each message makes a delivery for each.
pub const PRIVATE_CHANNEL_READERS: u32 = 2_000;
pub const CHANNELS_PER_SERVER: usize = 500;
pub const SERVERS_PER_OWNER: usize = 100;
pub const AGENTS_PER_USER: usize = 1_000;
/// Sessions of one user that have not ended.
pub const OPEN_SESSIONS_PER_USER: usize = 500;
pub const CLAIMS_PER_SESSION: usize = 256;
/// Patterns in one claim call.
pub const CLAIM_PATTERNS: usize = 32;
pub const CLAIM_PATTERN_CHARS: usize = 256;
pub const CLAIM_TTL_MIN_SECS: u32 = 10;
pub const CLAIM_TTL_MAX_SECS: u32 = 7 * 24 * 3_600;
pub const SLOW_MODE_MAX_SECS: u32 = 6 * 3_600;
pub const SIGNAL_CHARS: usize = 64 * 1_024;
pub const VOICE_PARTICIPANTS: usize = 100;
pub const INVITE_USES: u32 = 1_000;
pub const INVITES_PER_USER: usize = 200;
/// Deliveries that wait for one recipient; older ones give way to a gap marker.
pub const INBOX_PENDING: u32 = 10_000;
/// Deliveries that a recipient sees at once; acknowledging shows the next.
pub const INBOX_WINDOW: u32 = 64;
/// Ids in one acknowledgement.
pub const ACK_IDS: usize = 1_000;
/// Session ids in one heartbeat.
pub const HEARTBEAT_SESSIONS: usize = 500;
/// Messages in one page of history.
pub const HISTORY_PAGE: u32 = 500;
/// Audit entries that a server's moderators see live.
pub const AUDIT_WINDOW: u64 = 100;
/// How long a typing notice of a channel that is not open stays.
pub const TYPING_SECS: u32 = 8;

pub const RATE_PER_SEC: u32 = 20;
pub const RATE_BURST: u32 = 200;
pub const MESSAGE_DAYS: u32 = 0;
pub const MESSAGES_PER_CHANNEL: u64 = 0;
pub const DELIVERY_DAYS: u32 = 30;
/// How long an outbox may hold a post at most.
pub const OUTBOX_DAYS: u32 = 90;
/// As long as an outbox may hold a post: what is sent again after its key is
/// forgotten is posted twice. A hub may keep keys longer, never shorter.
pub const IDEMPOTENCY_DAYS: u32 = OUTBOX_DAYS;
pub const AUDIT_DAYS: u32 = 365;
pub const SESSION_DAYS: u32 = 30;
pub const SESSION_TIMEOUT_SECS: u32 = 180;
/// Below this a daemon that heartbeats every 10 s could lose sessions to one
/// slow answer.
pub const SESSION_TIMEOUT_MIN_SECS: u32 = 30;
pub const SESSION_TIMEOUT_MAX_SECS: u32 = 30 * 24 * 3_600;
/// What the two rates may be set to at most.
pub const RATE_MAX: u32 = 1_000_000;
/// The longest that anything may be set to be kept, in days.
pub const KEPT_DAYS: u32 = 36_500;
