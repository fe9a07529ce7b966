//! The declarations. Order and types are the module's, field by field;
//! `tests/schema.rs` compares them with the compiled module.

use spacetimedb_sdk::__codegen::{self as __sdk, __lib, __sats, __ws};
use spacetimedb_sdk::{Identity, Timestamp};

use crate::connection::{EventContext, RemoteModule};
use crate::declared::Declared;

impl Tables {
    pub(crate) fn new(imp: __sdk::DbContextImpl<RemoteModule>) -> Self {
        Self { imp }
    }
}

fn parse_rows<Row>(
    rows: __ws::v2::BsatnRowList,
    as_deletes: bool,
) -> __sdk::Result<__sdk::TableUpdate<Row>>
where
    Row: __lib::de::DeserializeOwned + std::fmt::Debug,
{
    if as_deletes {
        __sdk::parse_row_list_as_deletes(rows)
    } else {
        __sdk::parse_row_list_as_inserts(rows)
    }
}

fn unknown_table(name: &str) -> __sdk::Error {
    __sdk::InternalError::unknown_name("table", name, "the hub's update").into()
}

wire! {
    choice AdmissionPolicy { Closed, Open, }
    choice UserKind { Human, Agent, }
    choice Role { Owner, Admin, Moderator, Member, Agent, }
    choice ServerVisibility { Open, InviteOnly, }
    choice ChannelVisibility { Open, Members, Private, }
    choice ChannelType { Text, Voice, Announcement, AgentLog, }
    choice MessageKind { Text, System, AgentEvent, Join, Leave, Summary, Note, }
    choice SessionState { Active, Idle, Blocked, Waiting, Ended, }
    choice ClaimTarget { Paths, Task, }
    choice DeliveryReason { Direct, Private, Mention, Reply, Claim, VoiceSignal, Gap, }
    choice SignalKind { Offer, Answer, Candidate, Hangup, }

    record ModuleInfo {
        id: u8,
        schema_version: u32,
        module_version: String,
        hub_name: String,
        admission: AdmissionPolicy,
        home_server_id: u64,
        created_at: Timestamp,
    }
    record NewestBlock {
        id: u8,
        block: u64,
    }
    record User {
        identity: Identity,
        username: String,
        display_name: Option<String>,
        bio: Option<String>,
        avatar_url: Option<String>,
        kind: UserKind,
        created_at: Timestamp,
    }
    record Presence {
        identity: Identity,
        online: bool,
        status_text: Option<String>,
        last_seen: Timestamp,
    }
    record Agent {
        id: u64,
        address: String,
        owner: Identity,
        name: String,
        tool: String,
        description: Option<String>,
        created_at: Timestamp,
        last_seen: Timestamp,
    }
    record AgentSession {
        id: String,
        agent_id: u64,
        agent_address: String,
        owner: Identity,
        tool: String,
        repo: String,
        branch: Option<String>,
        commit: Option<String>,
        task: Option<String>,
        state: SessionState,
        paths: Vec<String>,
        started_at: Timestamp,
        last_seen: Timestamp,
        ended_at: Option<Timestamp>,
        expired: bool,
    }
    record Claim {
        id: u64,
        key: String,
        session_id: String,
        owner: Identity,
        agent_address: String,
        repo: String,
        target: ClaimTarget,
        pattern: String,
        exclusive: bool,
        reason: Option<String>,
        created_at: Timestamp,
        expires_at: Timestamp,
    }
    record Note {
        id: u64,
        author: Identity,
        agent_address: Option<String>,
        session_id: Option<String>,
        repo: String,
        branch: Option<String>,
        content: String,
        paths: Vec<String>,
        created_at: Timestamp,
        done_at: Option<Timestamp>,
        done_by: Option<Identity>,
        client_key: String,
    }
    record Server {
        id: u64,
        name: String,
        description: Option<String>,
        icon_url: Option<String>,
        visibility: ServerVisibility,
        created_at: Timestamp,
    }
    record ServerMember {
        id: u64,
        key: String,
        server_id: u64,
        identity: Identity,
        role: Role,
        joined_at: Timestamp,
        muted_until: Option<Timestamp>,
    }
    record Channel {
        id: u64,
        key: String,
        server_id: u64,
        name: String,
        topic: Option<String>,
        channel_type: ChannelType,
        visibility: ChannelVisibility,
        position: u32,
        slow_mode_secs: u32,
        archived: bool,
        created_at: Timestamp,
    }
    record ChannelMemberRow {
        id: u64,
        channel_id: u64,
        identity: Identity,
        added_at: Timestamp,
    }
    record Thread {
        id: u64,
        channel_id: u64,
        name: String,
        creator: Identity,
        archived: bool,
        created_at: Timestamp,
        last_message_at: Timestamp,
        client_key: String,
    }
    record MessageContext {
        repo: Option<String>,
        branch: Option<String>,
        commit: Option<String>,
        paths: Vec<String>,
    }
    record Reaction {
        emoji: String,
        by: Vec<Identity>,
    }
    record Message {
        id: u64,
        seq: u64,
        channel_id: u64,
        ordinal: u64,
        thread_id: Option<u64>,
        author: Identity,
        agent_address: Option<String>,
        session_id: Option<String>,
        to_agent: Option<String>,
        kind: MessageKind,
        content: String,
        context: MessageContext,
        reply_to: Option<u64>,
        mentions: Vec<Identity>,
        reactions: Vec<Reaction>,
        created_at: Timestamp,
        edited_at: Option<Timestamp>,
        deleted: bool,
        client_key: String,
        block: u64,
    }
    record HistoryPage {
        error: Option<String>,
        messages: Vec<Message>,
        next_before: Option<u64>,
    }
    record AuditPage {
        error: Option<String>,
        entries: Vec<AuditEntry>,
        next_before: Option<u64>,
    }
    record HubSettingsChange {
        hub_name: Option<String>,
        admission: Option<AdmissionPolicy>,
        rate_per_sec: Option<u32>,
        rate_burst: Option<u32>,
        message_days: Option<u32>,
        messages_per_channel: Option<u64>,
        delivery_days: Option<u32>,
        idempotency_days: Option<u32>,
        audit_days: Option<u32>,
        session_days: Option<u32>,
        session_timeout_secs: Option<u32>,
    }
    record HubSettingsAnswer {
        error: Option<String>,
        settings: Option<HubSettingsChange>,
    }
    record VoiceSignal {
        from: Identity,
        kind: SignalKind,
        payload: String,
    }
    record InboxItem {
        id: u64,
        reason: DeliveryReason,
        channel_id: u64,
        message: Option<Message>,
        claim: Option<Claim>,
        signal: Option<VoiceSignal>,
        created_at: Timestamp,
    }
    record ReadMarker {
        id: u64,
        key: String,
        identity: Identity,
        channel_id: u64,
        last_message_id: u64,
        at: Timestamp,
    }
    record VoiceState {
        identity: Identity,
        channel_id: u64,
        muted: bool,
        deafened: bool,
        speaking: bool,
        since: Timestamp,
        agent_address: Option<String>,
    }
    record Typing {
        channel_id: u64,
        identity: Identity,
    }
    record PrivateTyping {
        identity: Identity,
        channel_id: u64,
        until: Timestamp,
    }
    record InviteRow {
        secret_hash: String,
        server_id: u64,
        role: Role,
        uses: u32,
        max_uses: u32,
        expires_at: Option<Timestamp>,
        by: Identity,
        created_at: Timestamp,
    }
    record Ban {
        id: u64,
        key: String,
        server_id: u64,
        identity: Identity,
        reason: Option<String>,
        until: Option<Timestamp>,
        by: Identity,
        created_at: Timestamp,
    }
    record AuditEntry {
        id: u64,
        server_id: u64,
        ordinal: u64,
        actor: Identity,
        session_id: Option<String>,
        action: String,
        target: Option<String>,
        detail: Option<String>,
        at: Timestamp,
    }
}

module! {
    tables {
        module_info: ModuleInfo kept by id,
        newest_block: NewestBlock kept by id,
        user: User kept by identity,
        presence: Presence kept by identity,
        agent: Agent kept by id,
        agent_session: AgentSession kept by id,
        claim: Claim kept by id,
        note: Note kept by id,
        server: Server kept by id,
        server_member: ServerMember kept by id,
        channel: Channel kept by id,
        thread: Thread kept by id,
        message: Message passing,
        voice_state: VoiceState kept by identity,
        typing: Typing passing,
    }
    views {
        my_inbox: InboxItem passing,
        my_read_markers: ReadMarker kept by id,
        my_channels: Channel kept by id,
        my_channel_members: ChannelMemberRow kept by id,
        my_threads: Thread kept by id,
        my_voice_states: VoiceState kept by identity,
        my_typing: PrivateTyping kept by identity,
        my_bans: Ban kept by id,
        my_audit: AuditEntry kept by id,
        my_invites: InviteRow kept by secret_hash,
    }
    reducers {
        admit: Admit { client_key: String, agent_session: Option<String>, identity: Identity, }
        revoke_admission: RevokeAdmission { client_key: String, agent_session: Option<String>, identity: Identity, }
        set_hub_settings: SetHubSettings { client_key: String, agent_session: Option<String>, change: HubSettingsChange, }
        create_owner_invite: CreateOwnerInvite { client_key: String, secret_hash: String, temporary: Identity, }
        create_invite: CreateInvite {
            client_key: String, agent_session: Option<String>,
            server_id: u64,
            role: Role,
            max_uses: u32,
            expires_at: Option<Timestamp>,
            secret_hash: String,
            temporary: Option<Identity>,
        }
        revoke_invite: RevokeInvite { client_key: String, agent_session: Option<String>, secret_hash: String, }
        redeem_invite: RedeemInvite { client_key: String, secret: String, joiner: Identity, }

        set_profile: SetProfile {
            client_key: String,
            username: Option<String>,
            display_name: Option<String>,
            bio: Option<String>,
            avatar_url: Option<String>,
            kind: Option<UserKind>,
        }
        set_status: SetStatus { client_key: String, status_text: Option<String>, }
        register_agent: RegisterAgent { client_key: String, name: String, tool: String, description: Option<String>, }

        start_session: StartSession {
            client_key: String,
            session_id: String,
            agent_name: String,
            tool: String,
            repo: String,
            branch: Option<String>,
            commit: Option<String>,
            task: Option<String>,
            paths: Vec<String>,
        }
        update_session: UpdateSession {
            client_key: String,
            session_id: String,
            task: Option<String>,
            state: Option<SessionState>,
            branch: Option<String>,
            commit: Option<String>,
            paths: Option<Vec<String>>,
        }
        heartbeat: Heartbeat { session_ids: Vec<String>, }
        end_session: EndSession { client_key: String, session_id: String, }

        acquire_claim: AcquireClaim {
            client_key: String,
            session_id: String,
            repo: String,
            target: ClaimTarget,
            patterns: Vec<String>,
            exclusive: bool,
            reason: Option<String>,
            ttl_secs: u32,
        }
        renew_claim: RenewClaim { client_key: String, claim_ids: Vec<u64>, ttl_secs: u32, }
        release_claim: ReleaseClaim { client_key: String, claim_ids: Vec<u64>, }
        leave_note: LeaveNote { client_key: String, agent_session: Option<String>, repo: String, branch: Option<String>, content: String, paths: Vec<String>, }
        resolve_note: ResolveNote { client_key: String, agent_session: Option<String>, note_id: u64, }

        create_server: CreateServer {
            client_key: String, agent_session: Option<String>,
            name: String,
            visibility: ServerVisibility,
            description: Option<String>,
            icon_url: Option<String>,
        }
        update_server: UpdateServer {
            client_key: String, agent_session: Option<String>,
            server_id: u64,
            name: Option<String>,
            description: Option<String>,
            icon_url: Option<String>,
        }
        delete_server: DeleteServer { client_key: String, agent_session: Option<String>, server_id: u64, }
        join_server: JoinServer { client_key: String, server_id: u64, }
        leave_server: LeaveServer { client_key: String, server_id: u64, }
        transfer_ownership: TransferOwnership { client_key: String, agent_session: Option<String>, server_id: u64, new_owner: Identity, }
        set_member_role: SetMemberRole { client_key: String, agent_session: Option<String>, server_id: u64, identity: Identity, role: Role, }
        kick_member: KickMember { client_key: String, agent_session: Option<String>, server_id: u64, identity: Identity, reason: Option<String>, }
        ban_member: BanMember {
            client_key: String, agent_session: Option<String>,
            server_id: u64,
            identity: Identity,
            reason: Option<String>,
            until: Option<Timestamp>,
        }
        unban_member: UnbanMember { client_key: String, agent_session: Option<String>, server_id: u64, identity: Identity, }
        mute_member: MuteMember {
            client_key: String, agent_session: Option<String>,
            server_id: u64,
            identity: Identity,
            until: Timestamp,
            reason: Option<String>,
        }
        unmute_member: UnmuteMember { client_key: String, agent_session: Option<String>, server_id: u64, identity: Identity, }

        create_channel: CreateChannel {
            client_key: String, agent_session: Option<String>,
            server_id: u64,
            name: String,
            channel_type: ChannelType,
            visibility: ChannelVisibility,
            topic: Option<String>,
        }
        update_channel: UpdateChannel {
            client_key: String, agent_session: Option<String>,
            channel_id: u64,
            name: Option<String>,
            topic: Option<String>,
            position: Option<u32>,
            slow_mode_secs: Option<u32>,
        }
        archive_channel: ArchiveChannel { client_key: String, agent_session: Option<String>, channel_id: u64, archived: bool, }
        delete_channel: DeleteChannel { client_key: String, agent_session: Option<String>, channel_id: u64, }
        add_channel_member: AddChannelMember { client_key: String, agent_session: Option<String>, channel_id: u64, identity: Identity, }
        remove_channel_member: RemoveChannelMember { client_key: String, agent_session: Option<String>, channel_id: u64, identity: Identity, }
        create_thread: CreateThread { client_key: String, agent_session: Option<String>, channel_id: u64, name: String, }
        archive_thread: ArchiveThread { client_key: String, agent_session: Option<String>, thread_id: u64, }
        unarchive_thread: UnarchiveThread { client_key: String, agent_session: Option<String>, thread_id: u64, }

        send_message: SendMessage {
            client_key: String, agent_session: Option<String>,
            channel_id: u64,
            thread_id: Option<u64>,
            kind: MessageKind,
            content: String,
            context: MessageContext,
            reply_to: Option<u64>,
        }
        send_direct_message: SendDirectMessage {
            client_key: String, agent_session: Option<String>,
            recipient: Identity,
            to_agent: Option<String>,
            kind: MessageKind,
            content: String,
            context: MessageContext,
            reply_to: Option<u64>,
        }
        edit_message: EditMessage { client_key: String, agent_session: Option<String>, message_id: u64, content: String, }
        delete_message: DeleteMessage { client_key: String, agent_session: Option<String>, message_id: u64, }
        add_reaction: AddReaction { client_key: String, agent_session: Option<String>, message_id: u64, emoji: String, }
        remove_reaction: RemoveReaction { client_key: String, agent_session: Option<String>, message_id: u64, emoji: String, }
        mark_read: MarkRead { client_key: String, channel_id: u64, message_id: u64, }
        start_typing: StartTyping { channel_id: u64, }
        ack_deliveries: AckDeliveries { delivery_ids: Vec<u64>, }

        join_voice: JoinVoice { client_key: String, agent_session: Option<String>, channel_id: u64, muted: bool, deafened: bool, }
        leave_voice: LeaveVoice { client_key: String, }
        set_voice_state: SetVoiceState { muted: bool, deafened: bool, speaking: bool, }
        voice_signal: SendVoiceSignal { client_key: String, recipient: Identity, kind: SignalKind, payload: String, }
    }
    procedures {
        channel_history: ChannelHistory { channel_id: u64, before_ordinal: Option<u64>, limit: u32, } -> HistoryPage;
        audit_history: AuditHistory { server_id: u64, before_ordinal: Option<u64>, limit: u32, } -> AuditPage;
        hub_settings_in_force: HubSettingsInForce { } -> HubSettingsAnswer;
    }
}

/// The module's schema that is declared here: its `SCHEMA_VERSION`.
pub const SCHEMA_VERSION: u32 = 3;
