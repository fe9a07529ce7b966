//! Secrets that are known by their form. Patterns follow what the issuers
//! publish; lengths are lower bounds where an issuer says they may grow.

use std::sync::LazyLock;

use regex::{Regex, RegexSet};

use super::Found;

/// Name of the form, and its pattern. The group `secret`, where there is one,
/// is what is replaced; else all of the match is.
const FORMS: &[(&str, &str)] = &[
    (
        "private-key",
        // To the end of the text if the end of the key is cut off.
        r"-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----(?s:.*?)(?:-----END (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----|\z)",
    ),
    (
        "private-key",
        r"\bPuTTY-User-Key-File-[23]: (?s:.*?)(?:Private-MAC: [0-9a-f]+|\z)",
    ),
    ("age-key", r"\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b"),
    ("github-token", r"\bgh[pousr]_[A-Za-z0-9]{36,255}\b"),
    ("github-token", r"\bgithub_pat_[A-Za-z0-9_]{36,255}\b"),
    (
        "gitlab-token",
        r"\bgl(?:pat|ptt|dt|rt|cbt|ft|imt|agent|soat|ffct|oas)-[A-Za-z0-9_\-]{20,300}(?:\.[0-9a-z]{2}\.[0-9a-z]{9})?",
    ),
    (
        "slack-token",
        r"\bxox[abeoprs]-(?:\d-)?[A-Za-z0-9\-]{10,250}",
    ),
    ("slack-token", r"\bxapp-\d-[A-Z0-9]+-\d+-[A-Za-z0-9]{20,}"),
    (
        "slack-webhook",
        r"https://hooks\.slack\.com/(?:services|workflows|triggers)/(?P<secret>[A-Za-z0-9/_\-]{20,})",
    ),
    (
        "discord-webhook",
        r"https://(?:\w+\.)?discord(?:app)?\.com/api/webhooks/\d+/(?P<secret>[A-Za-z0-9_\-]{40,})",
    ),
    (
        "discord-token",
        r"\b[MNO][A-Za-z\d]{23,27}\.[A-Za-z\d_\-]{6}\.[A-Za-z\d_\-]{27,40}\b",
    ),
    ("telegram-token", r"\b\d{8,10}:AA[A-Za-z0-9_\-]{33}\b"),
    ("aws-access-key", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b"),
    (
        "aws-secret-key",
        r#"(?i)\baws_?(?:secret)?_?(?:access)?_?(?:key|secret|session_?token)["']?\s*[:=]\s*["']?(?P<secret>[A-Za-z0-9/+=]{40,})"#,
    ),
    (
        "aws-signature",
        r"(?i)X-Amz-(?:Signature|Security-Token)=(?P<secret>[A-Za-z0-9%+/=]{32,})",
    ),
    ("google-api-key", r"\bAIza[A-Za-z0-9_\-]{35}\b"),
    ("google-oauth-token", r"\bya29\.[A-Za-z0-9_\-]{20,}"),
    ("google-oauth-token", r"\b1//0[A-Za-z0-9_\-]{40,}"),
    ("google-oauth-secret", r"\bGOCSPX-[A-Za-z0-9_\-]{28}"),
    ("anthropic-key", r"\bsk-ant-[A-Za-z0-9_\-]{20,}"),
    (
        "openai-key",
        r"\bsk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_\-]{20,}",
    ),
    (
        "openai-key",
        r"\bsk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}\b",
    ),
    ("openrouter-key", r"\bsk-or-v1-[0-9a-f]{64}\b"),
    ("api-key", r"\bsk-[A-Za-z0-9]{32,}\b"),
    ("huggingface-token", r"\b(?:hf_|api_org_)[A-Za-z]{34,}\b"),
    ("replicate-token", r"\br8_[A-Za-z0-9]{37}\b"),
    ("groq-key", r"\bgsk_[A-Za-z0-9]{52}\b"),
    ("xai-key", r"\bxai-[A-Za-z0-9]{80}\b"),
    ("perplexity-key", r"\bpplx-[A-Za-z0-9]{48}\b"),
    (
        "stripe-key",
        r"\b(?:sk|rk)_(?:live|test|prod)_[A-Za-z0-9]{16,250}\b",
    ),
    ("stripe-webhook-secret", r"\bwhsec_[A-Za-z0-9+/=]{24,}"),
    ("npm-token", r"\bnpm_[A-Za-z0-9]{36}\b"),
    (
        "npm-token",
        r"_authToken\s*=\s*(?P<secret>[A-Za-z0-9_\-+/=.]{16,})",
    ),
    ("pypi-token", r"\bpypi-AgE[A-Za-z0-9_\-]{50,}"),
    ("crates-io-token", r"\bcio[A-Za-z0-9]{32}\b"),
    ("rubygems-key", r"\brubygems_[0-9a-f]{48}\b"),
    ("docker-token", r"\bdckr_(?:pat|oat)_[A-Za-z0-9_\-]{20,}"),
    (
        "sendgrid-key",
        r"\bSG\.[A-Za-z0-9_\-]{22}\.[A-Za-z0-9_\-]{43}\b",
    ),
    // Not `cache-key-` and a checksum.
    (
        "mailgun-key",
        r"(?:^|[^A-Za-z0-9_\-])(?P<secret>key-[0-9a-f]{32})\b",
    ),
    ("mailchimp-key", r"\b[0-9a-f]{32}-us\d{1,2}\b"),
    ("twilio-key", r"\bSK[0-9a-f]{32}\b"),
    ("digitalocean-token", r"\bdo[opr]_v1_[0-9a-f]{64}\b"),
    (
        "azure-key",
        r"(?i)\b(?:AccountKey|SharedAccessKey)\s*=\s*(?P<secret>[A-Za-z0-9+/]{40,}={0,2})",
    ),
    (
        "azure-sas",
        r"(?i)[?&]sig=(?P<secret>[A-Za-z0-9%+/]{40,}(?:%3D|=){0,2})",
    ),
    (
        "azure-client-secret",
        r"\b[A-Za-z0-9_~.]{3}\dQ~[A-Za-z0-9_~.\-]{31,34}",
    ),
    ("cloudflare-key", r"\bv1\.0-[0-9a-f]{24}-[0-9a-f]{146}\b"),
    ("heroku-key", r"\bHRKU-[A-Za-z0-9_\-]{36,}"),
    ("vault-token", r"\bhv[sbr]\.[A-Za-z0-9_\-]{24,}"),
    (
        "doppler-token",
        r"\bdp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9_.\-]{40,}",
    ),
    ("pulumi-token", r"\bpul-[0-9a-f]{40}\b"),
    (
        "terraform-token",
        r"\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_\-]{60,70}\b",
    ),
    ("databricks-token", r"\bdapi[0-9a-f]{32}(?:-\d)?\b"),
    ("new-relic-key", r"\bNRAK-[A-Z0-9]{27}\b"),
    (
        "grafana-token",
        r"\bgl(?:sa_[A-Za-z0-9]{32}_[0-9a-f]{8}\b|c_[A-Za-z0-9+/]{32,}={0,2})",
    ),
    ("sentry-token", r"\bsntry[su]_[A-Za-z0-9_+/=\-]{40,}"),
    ("linear-key", r"\blin_(?:api|oauth)_[A-Za-z0-9]{32,}\b"),
    ("notion-token", r"\bntn_[A-Za-z0-9]{40,}\b"),
    ("figma-token", r"\bfig[dou]r?_[A-Za-z0-9_\-]{40,}"),
    ("atlassian-token", r"\bATATT3[A-Za-z0-9_\-=]{60,}"),
    ("postman-key", r"\bPMAK-[0-9a-f]{24}-[0-9a-f]{34}\b"),
    ("shopify-token", r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b"),
    (
        "square-token",
        r"\b(?:EAAA[A-Za-z0-9_\-]{60}|sq0csp-[A-Za-z0-9_\-]{43})\b",
    ),
    (
        "supabase-key",
        r"\bsb(?:p_[0-9a-f]{40}|_secret_[A-Za-z0-9_\-]{20,})\b",
    ),
    (
        "planetscale-token",
        r"\bpscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.\-]{32,64}",
    ),
    (
        "flyio-token",
        r"\b(?:fo1_[A-Za-z0-9_\-]{43}|fm[12][ar]?_[A-Za-z0-9+/]{60,}={0,3})",
    ),
    (
        "tailscale-key",
        r"\btskey-(?:auth|api|client|webhook|scim)-[A-Za-z0-9]{8,}-[A-Za-z0-9]{16,}\b",
    ),
    (
        "jwt",
        r"\beyJ[A-Za-z0-9_\-]{8,}\.eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{10,}",
    ),
    (
        "authorization",
        r#"(?i)\b(?:proxy-)?authorization["']?\s*[:=]\s*["']?(?:bearer|basic|token|digest|apikey|negotiate)\s+(?P<secret>[A-Za-z0-9+/_.~=:\-]{8,})"#,
    ),
    (
        "authorization",
        r#"(?i)\b(?:x-(?:api|auth|access)-(?:key|token)|private-token|api-key)["']?\s*:\s*["']?(?P<secret>[A-Za-z0-9+/_.~=\-]{12,})"#,
    ),
    (
        "cookie",
        r"(?im)^(?:set-)?cookie:\s*(?P<secret>[A-Za-z0-9_.\-]+=[^\s;]{8,}(?:;[^\r\n]*)?)",
    ),
    (
        "password",
        r#"(?i)\b[a-z][a-z0-9+.\-]{1,20}://[^\s/:@"'<>\[\]]{0,128}:(?P<secret>[^\s/@"'<>\[\]]{1,256})@"#,
    ),
];

struct Forms {
    /// Says in one pass which patterns occur at all; usually none does.
    any: RegexSet,
    each: Vec<Regex>,
}

static COMPILED: LazyLock<Forms> = LazyLock::new(|| {
    // Boundaries of ASCII words are enough, and stay quick in any text.
    let patterns: Vec<String> = FORMS
        .iter()
        .map(|(_, pattern)| pattern.replace(r"\b", r"(?-u:\b)"))
        .collect();
    Forms {
        any: RegexSet::new(&patterns).expect("the patterns are constant and tested"),
        each: patterns
            .iter()
            .map(|pattern| Regex::new(pattern).expect("the patterns are constant and tested"))
            .collect(),
    }
});

/// Every secret of a known form.
pub(super) fn find(text: &str) -> Vec<Found> {
    let forms = &*COMPILED;
    let mut found = Vec::new();
    for index in forms.any.matches(text) {
        let form = FORMS[index].0;
        for secret in forms.each[index].captures_iter(text) {
            let place = secret
                .name("secret")
                .or_else(|| secret.get(0))
                .map(|matched| matched.range());
            found.extend(
                place
                    .filter(|place| !stands_for_something(&text[place.clone()]))
                    .map(|place| Found { place, form }),
            );
        }
    }
    found
}

/// A mark of ours, or a place where a reader is to put the secret.
pub(super) fn stands_for_something(value: &str) -> bool {
    let value = value.trim_matches(['"', '\'']);
    value.starts_with("[redacted:")
        || value.starts_with("${")
        || value.starts_with("$(")
        || value.starts_with("{{")
        || value.starts_with('<')
        || value.starts_with('$')
        || value.starts_with('%')
        || value
            .bytes()
            .all(|byte| matches!(byte, b'*' | b'x' | b'X' | b'.'))
}
