//! The texts of a write, wherever in it they stand: the one place that every
//! write passes, so that no method has to remember it.

use spaces_api::model::Context;

use crate::operation::Operation;

impl Operation {
    /// Takes the secrets out of all that a person or an agent wrote in words of
    /// its own. Names and ids that others refer by are left: they have rules of
    /// their own. So is the payload of a voice signal, which is for one receiver
    /// and is not text.
    pub fn redact(&mut self) {
        match self {
            Self::SendMessage {
                content, context, ..
            }
            | Self::SendDirectMessage {
                content, context, ..
            }
            | Self::LeaveNote {
                content, context, ..
            } => {
                clean(content);
                place(context);
            }
            Self::EditMessage { content, .. } => clean(content),
            Self::RegisterAgent {
                tool, description, ..
            } => {
                clean(tool);
                each(description);
            }
            Self::StartSession {
                tool,
                task,
                context,
                ..
            } => {
                clean(tool);
                each(task);
                place(context);
            }
            Self::UpdateSession {
                task,
                paths,
                branch,
                commit,
                ..
            } => {
                each(task);
                each(branch);
                each(commit);
                each(paths.iter_mut().flatten());
            }
            Self::AcquireClaim {
                repo, task, reason, ..
            } => {
                clean(repo);
                each(task);
                each(reason);
            }
            Self::SetProfile {
                display_name,
                bio,
                avatar_url,
                ..
            } => {
                each(display_name);
                each(bio);
                each(avatar_url);
            }
            Self::SetStatus { text } => each(text),
            Self::CreateServer {
                name, description, ..
            } => {
                clean(name);
                each(description);
            }
            Self::UpdateServer {
                name,
                description,
                icon_url,
                ..
            } => {
                each(name);
                each(description);
                each(icon_url);
            }
            Self::SetHub(settings) => each(&mut settings.name),
            Self::Ban { reason, .. } => each(reason),
            Self::CreateChannel { topic, .. } | Self::UpdateChannel { topic, .. } => each(topic),
            Self::CreateThread { name, .. } => clean(name),
            Self::DeleteMessage { .. }
            | Self::AddReaction { .. }
            | Self::RemoveReaction { .. }
            | Self::MarkRead { .. }
            | Self::ResolveNote { .. }
            | Self::Heartbeat { .. }
            | Self::EndSession { .. }
            | Self::RenewClaim { .. }
            | Self::ReleaseClaim { .. }
            | Self::DeleteServer { .. }
            | Self::JoinServer { .. }
            | Self::LeaveServer { .. }
            | Self::TransferOwnership { .. }
            | Self::SetMemberRole { .. }
            | Self::Kick { .. }
            | Self::Unban { .. }
            | Self::Mute { .. }
            | Self::Unmute { .. }
            | Self::Admit { .. }
            | Self::ShutOut { .. }
            | Self::CreateInvite { .. }
            | Self::RevokeInvite { .. }
            | Self::RedeemInvite { .. }
            | Self::ArchiveChannel { .. }
            | Self::DeleteChannel { .. }
            | Self::AddChannelMember { .. }
            | Self::RemoveChannelMember { .. }
            | Self::ArchiveThread { .. }
            | Self::UnarchiveThread { .. }
            | Self::StartTyping { .. }
            | Self::JoinVoice { .. }
            | Self::LeaveVoice {}
            | Self::SetVoiceState { .. }
            | Self::VoiceSignal { .. } => {}
        }
    }
}

fn place(context: &mut Context) {
    each(&mut context.repo);
    each(&mut context.branch);
    each(&mut context.commit);
    each(&mut context.paths);
}

fn each<'a>(texts: impl IntoIterator<Item = &'a mut String>) {
    texts.into_iter().for_each(clean);
}

fn clean(text: &mut String) {
    if let std::borrow::Cow::Owned(without) = super::text(text) {
        *text = without;
    }
}
