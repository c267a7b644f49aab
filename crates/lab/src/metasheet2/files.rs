//! The source tree that belongs to the case: small, harmless, and with something for a scan to find where a fault wants it.

use jsonwebtoken::{EncodingKey, Header};
use serde_json::json;

use super::{Fault, Faults, migrations::MIGRATIONS};
use crate::store::Dialect;

const INDEX: &str = "import { createServer } from './server';
import { protectionRules } from './routes/protection-rules';

const secret = process.env.JWT_SECRET;
if (!secret) throw new Error('JWT_SECRET is not set');

createServer({ secret, routes: [protectionRules] }).listen(Number(process.env.PORT ?? 8900));
";

const ROUTES: &str =
    "export const EFFECTS = ['allow', 'block', 'elevate_risk', 'require_approval'] as const;

export const protectionRules = {
  path: '/api/admin/protection-rules',
  roles: { read: ['viewer', 'admin'], write: ['admin'] },
};
";

const ENV_EXAMPLE: &str = "# Copy to .env and fill in. Never commit .env.
PORT=8900
JWT_SECRET=
DATABASE_URL=
";

const RUNBOOK: &str = "# Operations

A token for staging comes from the vault and lives for two hours. Pass it as `Authorization: Bearer $TOKEN`; never paste one here.

```console
$ curl -H \"Authorization: Bearer $TOKEN\" $BASE_URL/api/admin/protection-rules
```
";

const ROLLBACK: &str = "# Rollback

1. Deploy the release before.
2. Migration 9 only adds an index and may stay. Migration 8 adds two columns that the release before ignores.
";

/// The files of the case's source tree: path below its root, with `/`, and content.
pub fn case_files(faults: &Faults) -> Vec<(String, Vec<u8>)> {
    let mut runbook = RUNBOOK.to_owned();
    if faults.contains(&Fault::SecretInRepository) {
        runbook.push_str("\nFor a quick try:\n\n```console\n$ TOKEN=");
        runbook.push_str(&forgotten_token());
        runbook.push_str("\n```\n");
    }
    let mut files: Vec<(String, Vec<u8>)> = [
        ("src/index.ts", INDEX),
        ("src/routes/protection-rules.ts", ROUTES),
        (".env.example", ENV_EXAMPLE),
        ("docs/ops-runbook.md", &runbook),
        ("docs/rollback.md", ROLLBACK),
    ]
    .map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()))
    .into();
    files.extend(MIGRATIONS.iter().map(|migration| {
        let path = format!("migrations/{:03}_{}.sql", migration.version, migration.name);
        (
            path,
            format!("{}\n", migration.sql(Dialect::Postgres)).into_bytes(),
        )
    }));
    files
}

/// A token that somebody pasted into a page, signed when it is asked for so that none stands in this repository.
fn forgotten_token() -> String {
    let claims =
        json!({ "sub": "ops", "roles": ["admin"], "iat": 1_763_700_000, "exp": 1_763_707_200 });
    let key = EncodingKey::from_secret(b"of a machine that is no more");
    jsonwebtoken::encode(&Header::default(), &claims, &key)
        .expect("claims of texts and numbers can be signed")
}
