//! Alembic's and Django's files. Those below `alembic/` and `django/` were written by `alembic revision --autogenerate`
//! (1.20.1) and `manage.py makemigrations` (5.2.19), and not touched since.

use super::*;

fn generated(tool: &str, files: &[(&'static str, &'static str)]) -> tempfile::TempDir {
    let place = if tool == "alembic" {
        "versions"
    } else {
        "orders/migrations"
    };
    let files: Vec<(String, &str)> = files
        .iter()
        .map(|(name, text)| (format!("{place}/{name}.py"), *text))
        .collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (name.as_str(), *text))
        .collect();
    folder(&files)
}

fn alembic() -> tempfile::TempDir {
    generated(
        "alembic",
        &[
            (
                "0001_create_orders",
                include_str!("alembic/0001_create_orders.py"),
            ),
            (
                "0002_add_note_state_and_lines",
                include_str!("alembic/0002_add_note_state_and_lines.py"),
            ),
            (
                "0003_drop_total",
                include_str!("alembic/0003_drop_total.py"),
            ),
            (
                "0004_require_email",
                include_str!("alembic/0004_require_email.py"),
            ),
            (
                "0005_loosen_sku",
                include_str!("alembic/0005_loosen_sku.py"),
            ),
        ],
    )
}

fn django() -> tempfile::TempDir {
    generated(
        "django",
        &[
            ("0001_initial", include_str!("django/0001_initial.py")),
            (
                "0002_note_and_lines",
                include_str!("django/0002_note_and_lines.py"),
            ),
            ("0003_drop_total", include_str!("django/0003_drop_total.py")),
            (
                "0004_require_email",
                include_str!("django/0004_require_email.py"),
            ),
        ],
    )
}

/// One line for each migration, and one for each finding that blocks.
fn told(seen: &Seen) -> String {
    let mut out = String::new();
    let text =
        |value: &Value, key: &str| value.get(key).map(ToString::to_string).unwrap_or_default();
    for migration in list(seen, "migrations") {
        for key in [
            "tool",
            "name",
            "statements",
            "has_down",
            "adds_only",
            "drops_nothing",
        ] {
            out.push_str(&format!("{key}={} ", text(migration, key)));
        }
        out.push('\n');
    }
    for finding in list(seen, "blocking") {
        for key in ["file", "line", "rule", "statement"] {
            out.push_str(&format!("{} ", text(finding, key)));
        }
        out.push('\n');
    }
    out
}

#[tokio::test]
async fn files_that_alembic_generated_are_read_operation_by_operation() {
    let folder = alembic();
    let seen = observe(folder.path(), json!({"migrations": "db"}))
        .await
        .unwrap();
    insta::assert_snapshot!(told(&seen));
}

#[tokio::test]
async fn files_that_django_generated_are_read_operation_by_operation() {
    let folder = django();
    let seen = observe(folder.path(), json!({"migrations": "db"}))
        .await
        .unwrap();
    insta::assert_snapshot!(told(&seen));
}

fn revision(up: &str, down: &str) -> String {
    let indented = |body: &str| {
        body.lines()
            .map(|line| format!("    {line}\n"))
            .collect::<String>()
    };
    format!(
        "from alembic import op\nimport sqlalchemy as sa\nrevision = 'a'\ndown_revision = None\n\ndef upgrade():\n{}\ndef downgrade():\n{}",
        indented(up),
        indented(down)
    )
}

async fn one(path: &str, text: &str) -> Seen {
    let folder = folder(&[(path, text)]);
    observe(folder.path(), json!({"migrations": "db"}))
        .await
        .unwrap()
}

async fn of_alembic(up: &str, down: &str) -> Seen {
    one("versions/a.py", &revision(up, down)).await
}

fn fact(seen: &Seen, key: &str) -> String {
    list(seen, "migrations")[0].get(key).unwrap().to_string()
}

const ADDS: &str = "op.add_column('a', sa.Column('b', sa.Text(), nullable=True))";

#[tokio::test]
async fn a_downgrade_that_does_nothing_or_raises_is_no_way_down() {
    for down in [
        "pass",
        "\"\"\"Nothing.\"\"\"",
        "raise NotImplementedError('one way')",
        "...",
        "return",
    ] {
        let seen = of_alembic(ADDS, down).await;
        assert_eq!(fact(&seen, "has_down"), "false", "{down}");
        assert_eq!(fact(&seen, "adds_only"), "true", "{down}");
        assert!(
            list(&seen, "blocking").is_empty(),
            "{down}: {:?}",
            seen.facts["blocking"]
        );
    }
    let seen = of_alembic(ADDS, "op.drop_column('a', 'b')").await;
    assert_eq!(fact(&seen, "has_down"), "true");
    let seen = of_alembic("op.drop_column('a', 'b')", "pass").await;
    assert!(column(&seen, "blocking", "rule").contains(&"no-way-down".to_owned()));
}

#[tokio::test]
async fn what_is_python_beyond_operations_is_not_understood_at_its_line() {
    for up in [
        "for t in ['a', 'b']:\n    op.drop_table(t)",
        "if True:\n    op.drop_table('a')",
        "drop_everything()",
        "op.execute(f'drop table {name}')",
        "op.execute('drop table ' + name)",
        "op.execute(sa.text(read('x.sql')))",
        "op.drop_table(TABLE)",
        "op.get_bind().execute(sa.text('drop table a'))",
        "op.add_column('a', make())",
        "op.add_column('a', sa.Column('b', sa.Text(), **more))",
        "op.drop_table(*tables)",
        "getattr(op, 'drop_table')('a')",
        "op.future_operation('a')",
        "lambda: op.drop_table('a')",
        "x = op.drop_table('a')",
        "op.create_check_constraint('c', 'a', \"x > 0) ; drop table a; --\")",
        "op.add_column('a', sa.Column('b', sa.Text(), server_default=sa.text(\"'\")))",
        "with op.batch_alter_table(name) as batch_op:\n    batch_op.drop_column('b')",
    ] {
        let seen = of_alembic(up, "op.drop_table('z')").await;
        let blocking = column(&seen, "blocking", "rule");
        assert!(
            blocking.contains(&"not-understood".to_owned()),
            "{up}: {blocking:?}"
        );
        assert_eq!(fact(&seen, "adds_only"), "false", "{up}");
        let lines = column(&seen, "blocking", "line");
        assert!(
            lines
                .iter()
                .any(|l| l.contains("Int(7)") || l.contains("Int(8)")),
            "{up}: {lines:?}"
        );
    }
    let seen = of_alembic(ADDS, "for t in ['a']:\n    op.drop_table(t)").await;
    assert_eq!(fact(&seen, "has_down"), "false");
    assert!(column(&seen, "blocking", "rule").contains(&"not-understood".to_owned()));
}

#[tokio::test]
async fn what_is_no_python_or_no_migration_is_not_understood() {
    for (path, text) in [
        ("versions/a.py", "def upgrade(:\n    pass"),
        ("versions/a.py", "revision = 'a'"),
        ("versions/a.py", ""),
        ("versions/a.py", "drop_all()\ndef upgrade():\n    pass"),
        ("orders/migrations/0001_a.py", "operations = []"),
        (
            "orders/migrations/0001_a.py",
            "class Migration(migrations.Migration):\n    operations = make()",
        ),
    ] {
        let seen = one(path, text).await;
        let blocking = column(&seen, "blocking", "rule");
        assert!(
            blocking.contains(&"not-understood".to_owned()),
            "{text}: {blocking:?}"
        );
    }
}

#[tokio::test]
async fn raw_sql_is_read_with_its_lines_and_cannot_swallow_what_comes_after() {
    let up = "op.execute(\"\"\"\nset lock_timeout = '2s';\ndrop table old;\n\"\"\")\nop.drop_column('a', 'b')";
    let seen = of_alembic(up, "pass").await;
    let found: Vec<_> = column(&seen, "blocking", "rule")
        .into_iter()
        .zip(column(&seen, "blocking", "line"))
        .collect();
    assert!(
        found.contains(&("ban-drop-table".to_owned(), "Some(Int(9))".to_owned())),
        "{found:?}"
    );
    assert!(
        found.contains(&("ban-drop-column".to_owned(), "Some(Int(11))".to_owned())),
        "{found:?}"
    );
    for raw in [
        "select 'a",
        "select 1 -- a",
        "select /* a",
        "select $$ a",
        "select \\\"a",
    ] {
        let up = format!("op.execute(\"{raw}\")\nop.drop_column('a', 'b')");
        let seen = of_alembic(&up, "pass").await;
        let rules = column(&seen, "blocking", "rule");
        assert!(
            rules.contains(&"ban-drop-column".to_owned()),
            "{raw}: {rules:?}"
        );
    }
}

#[tokio::test]
async fn an_index_outside_of_the_transaction_is_fine_and_inside_of_it_is_not() {
    let index = "op.create_index('i', 'a', ['b'], postgresql_concurrently=True)";
    let seen = of_alembic(index, "pass").await;
    let rules = column(&seen, "blocking", "rule");
    assert!(
        rules.iter().any(|rule| rule.contains("transaction")),
        "{rules:?}"
    );
    let outside = format!("with op.get_context().autocommit_block():\n    {index}");
    let seen = of_alembic(&outside, "pass").await;
    assert!(
        list(&seen, "blocking").is_empty(),
        "{:?}",
        seen.facts["blocking"]
    );
    let seen = of_alembic("op.create_index('i', 'a', ['b'])", "pass").await;
    let rules = column(&seen, "blocking", "rule");
    assert!(
        rules.contains(&"require-concurrent-index-creation".to_owned()),
        "{rules:?}"
    );
}

#[tokio::test]
async fn alembics_files_run_in_the_order_of_their_revisions_and_one_that_joins_them_does_nothing() {
    let file = |revision: &str, down: &str, body: &str| {
        format!(
            "revision = '{revision}'\ndown_revision = {down}\ndef upgrade():\n    {body}\ndef downgrade():\n    pass\n"
        )
    };
    let folder = folder(&[
        ("versions/a_third.py", &file("c", "('a', 'b')", "pass")),
        (
            "versions/b_second.py",
            &file("b", "'a'", "op.drop_table('x')"),
        ),
        (
            "versions/z_first.py",
            &file("a", "None", "op.drop_table('y')"),
        ),
        ("env.py", "run_migrations_online()"),
        ("versions/__init__.py", ""),
    ]);
    let seen = observe(folder.path(), json!({"migrations": "db"}))
        .await
        .unwrap();
    assert_eq!(
        column(&seen, "migrations", "name"),
        ["z_first", "b_second", "a_third"]
    );
    assert!(!column(&seen, "findings", "file").contains(&"db/versions/a_third.py".to_owned()));
    assert_eq!(texts_of(&seen, "without_down"), ["z_first", "b_second"]);
}

fn texts_of(seen: &Seen, fact: &str) -> Vec<String> {
    list(seen, fact)
        .iter()
        .map(|one| one.as_str().unwrap().to_owned())
        .collect()
}

fn migration(operations: &str) -> String {
    format!(
        "from django.db import migrations, models\n\nclass Migration(migrations.Migration):\n    dependencies = [('orders', '0001_initial')]\n    operations = [{operations}]\n"
    )
}

async fn of_django(operations: &str) -> Seen {
    let folder = folder(&[
        (
            "orders/migrations/0001_initial.py",
            include_str!("django/0001_initial.py"),
        ),
        ("orders/migrations/0002_next.py", &migration(operations)),
    ]);
    let seen = observe(folder.path(), json!({"migrations": "db"}))
        .await
        .unwrap();
    assert_eq!(
        column(&seen, "migrations", "name"),
        ["0001_initial", "0002_next"]
    );
    seen
}

fn second(seen: &Seen, key: &str) -> String {
    list(seen, "migrations")[1].get(key).unwrap().to_string()
}

#[tokio::test]
async fn djangos_operations_are_held_against_what_they_do_to_the_table() {
    let order = "model_name='order', name=";
    for (operations, rule, has_down, adds_only) in [
        (format!("migrations.AddField({order}'note', field=models.TextField(null=True))"), "", "true", "true"),
        (format!("migrations.AddField({order}'state', field=models.CharField(max_length=9, db_default='a'))"), "", "true", "true"),
        (format!("migrations.AddField({order}'state', field=models.CharField(max_length=9, default='a'))"), "", "true", "false"),
        (format!("migrations.AddField({order}'rank', field=models.IntegerField())"), "adding-required-field", "true", "false"),
        (format!("migrations.RemoveField({order}'total')"), "ban-drop-column", "false", "false"),
        (format!("migrations.RenameField(model_name='order', old_name='total', new_name='sum')"), "renaming-column", "true", "false"),
        ("migrations.DeleteModel(name='Order')".to_owned(), "ban-drop-table", "true", "false"),
        (format!("migrations.AlterField({order}'customer', field=models.CharField(max_length=200, db_index=True, help_text='who'))"), "", "true", "true"),
        (format!("migrations.AlterField({order}'customer', field=models.TextField(db_index=True))"), "changing-column-type", "true", "false"),
        (format!("migrations.AlterField({order}'unknown', field=models.TextField())"), "not-understood", "false", "false"),
        ("migrations.RunPython(fill)".to_owned(), "not-understood", "false", "false"),
        ("migrations.RunPython(fill, migrations.RunPython.noop)".to_owned(), "not-understood", "true", "false"),
        ("migrations.RunSQL('drop table orders_order')".to_owned(), "ban-drop-table", "false", "false"),
        ("migrations.RunSQL(['create table x (id bigint)'], reverse_sql='drop table x')".to_owned(), "", "true", "true"),
        ("migrations.RunSQL([('delete from x where id = %s', [1])])".to_owned(), "not-understood", "false", "false"),
        ("migrations.AddIndex(model_name='order', index=models.Index(fields=['-total'], name='i'))".to_owned(), "require-concurrent-index-creation", "true", "true"),
        ("migrations.AlterModelOptions(name='order', options={'ordering': ['id']})".to_owned(), "", "true", "true"),
        ("migrations.SeparateDatabaseAndState(database_operations=[], state_operations=[migrations.DeleteModel(name='Order')])".to_owned(), "", "true", "true"),
        ("*more()".to_owned(), "not-understood", "false", "false"),
        ("SomebodysOperation()".to_owned(), "not-understood", "false", "false"),
    ] {
        let seen = of_django(&operations).await;
        let rules: Vec<String> = column(&seen, "blocking", "rule")
            .into_iter()
            .zip(column(&seen, "blocking", "file"))
            .filter(|(_, file)| file.contains("0002"))
            .map(|(rule, _)| rule)
            .collect();
        let is_there = if rule.is_empty() { rules.iter().all(|r| r == "no-way-down") } else { rules.iter().any(|r| r == rule) };
        assert!(is_there, "{operations}: {rules:?}");
        assert_eq!(second(&seen, "has_down"), has_down, "{operations}");
        assert_eq!(second(&seen, "adds_only"), adds_only, "{operations}");
    }
}

#[tokio::test]
async fn only_what_was_added_is_judged_and_a_field_is_known_from_before() {
    let folder = django();
    let at = folder.path();
    let last = at.join("db/orders/migrations/0004_require_email.py");
    let text = std::fs::read_to_string(&last).unwrap();
    std::fs::remove_file(&last).unwrap();
    super::git::git(at, &["init", "-q"]);
    super::git::commit(at, "first");
    super::git::git(at, &["tag", "v1"]);
    std::fs::write(&last, text).unwrap();
    let first = at.join("db/orders/migrations/0001_initial.py");
    let edited = std::fs::read_to_string(&first).unwrap() + "# more\n";
    std::fs::write(first, edited).unwrap();
    super::git::commit(at, "second");
    let seen = observe(at, json!({"migrations": "db", "from": "v1"}))
        .await
        .unwrap();
    assert_eq!(column(&seen, "migrations", "name"), ["0004_require_email"]);
    let rules = column(&seen, "findings", "rule");
    assert!(rules.contains(&"edited-migration".to_owned()), "{rules:?}");
    assert!(!rules.contains(&"not-understood".to_owned()), "{rules:?}");
}

#[tokio::test]
async fn a_nest_of_any_depth_is_read_or_refused_and_never_brings_the_program_down() {
    let deep = format!("op.execute({}1{})", "(".repeat(50_000), ")".repeat(50_000));
    let chain = format!("op{}()", ".x".repeat(50_000));
    let lists = format!("op.execute({}{})", "[".repeat(20_000), "]".repeat(20_000));
    for up in [deep, chain, lists] {
        let seen = of_alembic(&up, "pass").await;
        assert!(column(&seen, "blocking", "rule").contains(&"not-understood".to_owned()));
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 64, ..Default::default() })]

    #[test]
    fn no_text_makes_the_reader_panic(text in "[ -~\\n]{0,200}", tail in "\\PC{0,40}") {
        for tool in [Tool::Alembic, Tool::Django] {
            let mut models = crate::migrations::python::Models::default();
            for text in [text.clone(), revision(&text, &tail), migration(&text)] {
                drop(crate::migrations::python::read(tool, "orders/migrations/a.py", &text, &[], &mut models));
            }
        }
    }
}
