//! The rules. Where two match the same place, the earlier one is told.

use super::Class::{Alnum, Base64, Capital, Digit, Hex, Url, Uuid, Word};
use super::Part::{Run, Text};
use super::Shape::{Assignment, Dsn, Jwt, Near, PrivateKey, ServiceAccount, Tokens};
use super::{Named, Rule};

const fn rule(id: &'static str, title: &'static str, shape: super::Shape) -> Rule {
    Rule { id, title, shape }
}

/// All rules.
#[rustfmt::skip]
pub static RULES: &[Rule] = &[
    rule("private-key", "private key", PrivateKey),
    rule("gcp-service-account", "Google service account key file", ServiceAccount),
    rule("jwt", "JSON web token", Jwt),
    rule("age-key", "age secret key", Tokens(&[&[Text("AGE-SECRET-KEY-1"), Run(Capital, 58, 58)]])),
    // Clouds.
    rule("aws-access-key", "AWS access key id", Tokens(&[
        &[Text("AKIA"), Run(Capital, 16, 16)], &[Text("ASIA"), Run(Capital, 16, 16)], &[Text("ABIA"), Run(Capital, 16, 16)]])),
    rule("aws-secret-key", "AWS secret access key", Near(&["secret_access_key", "secretaccesskey", "aws_secret_key"], Base64, 40)),
    rule("aws-bedrock-key", "AWS Bedrock API key", Tokens(&[&[Text("ABSKQmVkcm9ja0FQSUtleS"), Run(Base64, 90, 200)]])),
    rule("gcp-api-key", "Google API key", Tokens(&[&[Text("AIza"), Run(Word, 35, 35)]])),
    rule("google-oauth-secret", "Google OAuth client secret", Tokens(&[&[Text("GOCSPX-"), Run(Word, 28, 28)]])),
    rule("google-oauth-token", "Google OAuth token", Tokens(&[&[Text("ya29."), Run(Word, 30, 2048)], &[Text("1//0"), Run(Word, 40, 512)]])),
    rule("azure-account-key", "Azure storage account key", Tokens(&[&[Text("AccountKey="), Run(Base64, 86, 88)], &[Text("SharedAccessKey="), Run(Base64, 43, 44)]])),
    rule("azure-sas", "Azure shared access signature", Tokens(&[&[Text("&sig="), Run(Url, 43, 160)], &[Text("?sig="), Run(Url, 43, 160)]])),
    rule("digitalocean-token", "DigitalOcean token", Tokens(&[
        &[Text("dop_v1_"), Run(Hex, 64, 64)], &[Text("doo_v1_"), Run(Hex, 64, 64)], &[Text("dor_v1_"), Run(Hex, 64, 64)]])),
    rule("heroku-key", "Heroku API key", Tokens(&[&[Text("HRKU-"), Run(Word, 36, 80)]])),
    rule("heroku-uuid", "Heroku API key", Near(&["heroku_api_key", "heroku-api-key", "herokuapikey"], Uuid, 36)),
    rule("cloudflare-ca-key", "Cloudflare origin CA key", Tokens(&[&[Text("v1.0-"), Run(Hex, 24, 24), Text("-"), Run(Hex, 146, 146)]])),
    rule("cloudflare-token", "Cloudflare API token", Near(&["cloudflare"], Word, 40)),
    rule("fly-token", "Fly.io token", Tokens(&[&[Text("FlyV1 fm2_"), Run(Base64, 100, 4096)], &[Text("fo1_"), Run(Word, 43, 43)]])),
    rule("netlify-token", "Netlify token", Tokens(&[&[Text("nfp_"), Run(Alnum, 36, 40)]])),
    rule("planetscale-key", "PlanetScale password or token", Tokens(&[&[Text("pscale_tkn_"), Run(Word, 32, 64)], &[Text("pscale_pw_"), Run(Word, 32, 64)]])),
    rule("supabase-token", "Supabase token", Tokens(&[&[Text("sbp_"), Run(Hex, 40, 40)], &[Text("sb_secret_"), Run(Word, 22, 64)]])),
    rule("pulumi-token", "Pulumi token", Tokens(&[&[Text("pul-"), Run(Hex, 40, 40)]])),
    rule("terraform-token", "Terraform Cloud token", Tokens(&[&[Run(Alnum, 14, 14), Text(".atlasv1."), Run(Word, 60, 70)]])),
    rule("databricks-token", "Databricks token", Tokens(&[&[Text("dapi"), Run(Hex, 32, 32)]])),
    rule("vault-token", "HashiCorp Vault token", Tokens(&[&[Text("hvs."), Run(Word, 24, 256)], &[Text("hvb."), Run(Word, 100, 512)], &[Text("hvr."), Run(Word, 24, 256)]])),
    rule("doppler-token", "Doppler token", Tokens(&[&[Text("dp.pt."), Run(Alnum, 40, 44)], &[Text("dp.st."), Run(Url, 40, 90)]])),
    rule("tailscale-key", "Tailscale key", Tokens(&[&[Text("tskey-"), Run(Word, 24, 100)]])),
    rule("onepassword-token", "1Password service account token", Tokens(&[&[Text("ops_eyJ"), Run(Base64, 100, 2048)]])),
    // Code and packages.
    rule("github-token", "GitHub token", Tokens(&[
        &[Text("ghp_"), Run(Alnum, 36, 36)], &[Text("gho_"), Run(Alnum, 36, 36)], &[Text("ghu_"), Run(Alnum, 36, 36)],
        &[Text("ghs_"), Run(Alnum, 36, 36)], &[Text("ghr_"), Run(Alnum, 36, 76)], &[Text("github_pat_"), Run(Word, 82, 82)]])),
    rule("gitlab-token", "GitLab token", Tokens(&[
        &[Text("glpat-"), Run(Url, 20, 300)], &[Text("gldt-"), Run(Word, 20, 64)], &[Text("glrt-"), Run(Word, 20, 64)],
        &[Text("glptt-"), Run(Hex, 40, 40)], &[Text("glcbt-"), Run(Word, 20, 64)], &[Text("GR1348941"), Run(Word, 20, 20)]])),
    rule("bitbucket-token", "Bitbucket or Atlassian token", Tokens(&[&[Text("ATBB"), Run(Alnum, 32, 32)], &[Text("ATATT3"), Run(Base64, 100, 256)]])),
    rule("npm-token", "npm token", Tokens(&[&[Text("npm_"), Run(Alnum, 36, 36)]])),
    rule("pypi-token", "PyPI token", Tokens(&[&[Text("pypi-AgEIcHlwaS5vcmc"), Run(Word, 50, 512)]])),
    rule("rubygems-key", "RubyGems key", Tokens(&[&[Text("rubygems_"), Run(Hex, 48, 48)]])),
    rule("docker-token", "Docker Hub token", Tokens(&[&[Text("dckr_pat_"), Run(Word, 27, 27)], &[Text("dckr_oat_"), Run(Word, 32, 32)]])),
    rule("artifactory-key", "Artifactory key", Tokens(&[&[Text("AKCp"), Run(Alnum, 69, 69)], &[Text("cmVmdGtu"), Run(Alnum, 56, 56)]])),
    rule("buildkite-token", "Buildkite token", Tokens(&[&[Text("bkua_"), Run(Hex, 40, 40)]])),
    rule("circleci-token", "CircleCI token", Tokens(&[&[Text("CCIPAT_"), Run(Alnum, 22, 22), Text("_"), Run(Hex, 40, 40)]])),
    rule("sentry-token", "Sentry token", Tokens(&[&[Text("sntrys_"), Run(Base64, 80, 512)], &[Text("sntryu_"), Run(Hex, 64, 64)]])),
    rule("grafana-token", "Grafana token", Tokens(&[&[Text("glc_"), Run(Base64, 32, 400)], &[Text("glsa_"), Run(Alnum, 32, 32), Text("_"), Run(Hex, 8, 8)]])),
    rule("newrelic-key", "New Relic key", Tokens(&[&[Text("NRAK-"), Run(Capital, 27, 27)], &[Text("NRJS-"), Run(Hex, 19, 19)]])),
    rule("datadog-key", "Datadog key", Near(&["datadog_api_key", "dd_api_key", "dd-api-key"], Hex, 32)),
    rule("postman-key", "Postman key", Tokens(&[&[Text("PMAK-"), Run(Hex, 24, 24), Text("-"), Run(Hex, 34, 34)]])),
    rule("linear-key", "Linear key", Tokens(&[&[Text("lin_api_"), Run(Alnum, 40, 40)]])),
    rule("notion-token", "Notion token", Tokens(&[&[Text("ntn_"), Run(Alnum, 43, 50)], &[Text("secret_"), Run(Alnum, 43, 43)]])),
    rule("figma-token", "Figma token", Tokens(&[&[Text("figd_"), Run(Word, 40, 60)]])),
    // Messages and mail.
    rule("slack-token", "Slack token", Tokens(&[
        &[Text("xoxb-"), Run(Word, 24, 200)], &[Text("xoxp-"), Run(Word, 24, 200)], &[Text("xoxa-"), Run(Word, 24, 200)],
        &[Text("xoxr-"), Run(Word, 24, 200)], &[Text("xoxs-"), Run(Word, 24, 200)], &[Text("xapp-"), Run(Word, 24, 200)],
        &[Text("xoxe."), Run(Url, 24, 300)]])),
    rule("slack-webhook", "Slack webhook", Tokens(&[&[Text("hooks.slack.com/services/T"), Run(Base64, 36, 60)], &[Text("hooks.slack.com/workflows/T"), Run(Base64, 36, 90)]])),
    rule("discord-webhook", "Discord webhook", Tokens(&[
        &[Text("discord.com/api/webhooks/"), Run(Digit, 17, 20), Text("/"), Run(Word, 60, 72)],
        &[Text("discordapp.com/api/webhooks/"), Run(Digit, 17, 20), Text("/"), Run(Word, 60, 72)]])),
    rule("telegram-token", "Telegram bot token", Tokens(&[&[Run(Digit, 8, 10), Text(":AA"), Run(Word, 32, 34)]])),
    rule("twilio-key", "Twilio key", Near(&["twilio"], Hex, 32)),
    rule("sendgrid-key", "SendGrid key", Tokens(&[&[Text("SG."), Run(Word, 22, 22), Text("."), Run(Word, 43, 43)]])),
    rule("mailgun-key", "Mailgun key", Tokens(&[&[Text("key-"), Run(Hex, 32, 32)]])),
    rule("mailchimp-key", "Mailchimp key", Tokens(&[&[Run(Hex, 32, 32), Text("-us"), Run(Digit, 1, 2)]])),
    rule("brevo-key", "Brevo key", Tokens(&[&[Text("xkeysib-"), Run(Hex, 64, 64), Text("-"), Run(Alnum, 16, 16)]])),
    // Money and shops.
    rule("stripe-key", "Stripe key", Tokens(&[
        &[Text("sk_live_"), Run(Alnum, 20, 247)], &[Text("rk_live_"), Run(Alnum, 20, 247)], &[Text("sk_test_"), Run(Alnum, 20, 247)],
        &[Text("rk_test_"), Run(Alnum, 20, 247)], &[Text("whsec_"), Run(Base64, 32, 64)]])),
    rule("square-token", "Square token", Tokens(&[&[Text("sq0atp-"), Run(Word, 22, 22)], &[Text("sq0csp-"), Run(Word, 43, 43)], &[Text("EAAAE"), Run(Word, 59, 59)]])),
    rule("shopify-token", "Shopify token", Tokens(&[
        &[Text("shpat_"), Run(Alnum, 32, 32)], &[Text("shpca_"), Run(Alnum, 32, 32)], &[Text("shppa_"), Run(Alnum, 32, 32)], &[Text("shpss_"), Run(Alnum, 32, 32)]])),
    rule("paypal-token", "PayPal Braintree token", Tokens(&[&[Text("access_token$production$"), Run(Alnum, 16, 16), Text("$"), Run(Hex, 32, 32)]])),
    rule("easypost-key", "EasyPost key", Tokens(&[&[Text("EZAK"), Run(Alnum, 54, 54)]])),
    // Models.
    rule("openai-key", "OpenAI key", Tokens(&[
        &[Text("sk-proj-"), Run(Word, 40, 220)], &[Text("sk-svcacct-"), Run(Word, 40, 220)], &[Text("sk-admin-"), Run(Word, 40, 220)],
        &[Run(Word, 23, 100), Text("T3BlbkFJ"), Run(Word, 20, 100)]])),
    rule("anthropic-key", "Anthropic key", Tokens(&[&[Text("sk-ant-"), Run(Word, 80, 130)]])),
    rule("huggingface-token", "Hugging Face token", Tokens(&[&[Text("hf_"), Run(Alnum, 34, 40)]])),
    rule("groq-key", "Groq key", Tokens(&[&[Text("gsk_"), Run(Alnum, 48, 56)]])),
    rule("perplexity-key", "Perplexity key", Tokens(&[&[Text("pplx-"), Run(Alnum, 48, 48)]])),
    rule("facebook-token", "Facebook token", Tokens(&[&[Text("EAACEdEose0cBA"), Run(Alnum, 20, 300)]])),
    rule("twitter-bearer", "Twitter bearer token", Tokens(&[&[Text("AAAAAAAAAAAAAAAAAAAAA"), Run(Url, 60, 120)]])),
    // What rests on a name beside it.
    rule("dsn-password", "password in a connection string", Dsn),
    rule("password-assignment", "password", Assignment(&["password", "passwd", "passwort", "passphrase", "pwd"], Named::Password)),
    rule("secret-assignment", "secret or token", Assignment(&["secret", "token", "credential", "auth_key"], Named::Secret)),
    rule("key-assignment", "key", Assignment(&["api_key", "access_key", "private_key", "signing_key", "encryption_key", "master_key", "account_key"], Named::Key)),
];
