use super::*;

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c, d", "é", "\"x\""]).prop_map(str::to_owned)
}

fn some_column() -> impl Strategy<Value = Column> {
    (
        1u32..4,
        prop::sample::select(vec!["text", "bigint"]),
        any::<bool>(),
        prop::option::of(prop::sample::select(vec!["1", "now()"])),
        prop::option::of(prop::sample::select(vec!["stored", "identity always"])),
    )
        .prop_map(|(position, ty, nullable, default, generated)| Column {
            position,
            ty: ty.to_owned(),
            nullable,
            default: default.map(str::to_owned),
            generated: generated.map(str::to_owned),
            collation: None,
        })
}

fn some_index() -> impl Strategy<Value = Index> {
    (
        prop::collection::vec(name(), 1..3),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        prop::option::of(Just("a is null".to_owned())),
    )
        .prop_map(|(columns, unique, valid, constraint, predicate)| Index {
            definition: format!("btree ({})", columns.join(", ")),
            columns,
            unique,
            predicate,
            valid,
            method: "btree".to_owned(),
            constraint,
        })
}

fn some_key() -> impl Strategy<Value = Key> {
    prop::collection::vec(name(), 1..3).prop_map(|columns| Key {
        columns,
        extra: String::new(),
    })
}

fn some_table() -> impl Strategy<Value = Table> {
    let foreign_key =
        (some_key(), name(), any::<bool>()).prop_map(|(key, table, validated)| ForeignKey {
            references: key.columns.clone(),
            columns: key.columns,
            table,
            on_delete: "cascade".to_owned(),
            on_update: "no action".to_owned(),
            validated,
            extra: String::new(),
        });
    let check = (name(), any::<bool>()).prop_map(|(expression, validated)| Check {
        expression,
        validated,
        extra: String::new(),
    });
    (
        prop::collection::btree_map(name(), some_column(), 0..4),
        prop::option::of(some_key()),
        prop::collection::btree_map(name(), some_key(), 0..2),
        prop::collection::btree_map(name(), foreign_key, 0..2),
        prop::collection::btree_map(name(), check, 0..2),
        prop::collection::btree_map(name(), some_index(), 0..3),
        any::<bool>(),
        prop::collection::vec(name(), 0..2),
    )
        .prop_map(
            |(columns, primary_key, unique, foreign_keys, checks, indexes, rls, options)| Table {
                kind: "table".to_owned(),
                columns,
                primary_key,
                foreign_keys,
                unique,
                checks,
                indexes,
                rls,
                options,
                ..Table::default()
            },
        )
}

fn some_model() -> impl Strategy<Value = Model> {
    let view = (
        prop::collection::btree_map(name(), some_column(), 0..2),
        "[a-c\n ]{0,8}",
    )
        .prop_map(|(columns, definition)| View {
            kind: "view".to_owned(),
            columns,
            definition,
            ..View::default()
        });
    let function = "[a-c\n ]{0,8}".prop_map(|definition| Function {
        definition,
        ..Function::default()
    });
    (
        prop::collection::btree_map(name(), some_table(), 0..3),
        prop::collection::btree_map(name(), view, 0..2),
        prop::collection::btree_map(name(), function, 0..2),
        prop::collection::btree_map(name(), prop::collection::vec(name(), 0..3), 0..2),
        prop::collection::btree_map(name(), name(), 0..2),
    )
        .prop_map(|(tables, views, functions, enums, extensions)| Model {
            tables,
            views,
            functions,
            enums,
            extensions,
            ..Model::default()
        })
}

/// Two models of which the second is often the first, or nearly.
fn two() -> impl Strategy<Value = (Model, Model)> {
    (
        some_model(),
        some_model(),
        0u8..4,
        some_column(),
        some_index(),
    )
        .prop_map(|(a, b, how, column, index)| {
            let mut near = a.clone();
            match how {
                0 => {}
                1 => {
                    for table in near.tables.values_mut().take(1) {
                        table.columns.insert("a".to_owned(), column.clone());
                    }
                }
                2 => {
                    for table in near.tables.values_mut().take(1) {
                        table.indexes.insert("a".to_owned(), index.clone());
                    }
                }
                _ => return (a, b),
            }
            (a, near)
        })
}

proptest! {
    #[test]
    fn a_schema_does_not_differ_from_itself(a in some_model()) {
        prop_assert_eq!(diff(&a, &a), vec![]);
        prop_assert_eq!(diff(&a, &a.clone().normalised()), vec![]);
    }

    #[test]
    fn nothing_differs_exactly_where_the_fingerprints_are_equal((a, b) in two()) {
        prop_assert_eq!(diff(&a, &b).is_empty(), a.fingerprint() == b.fingerprint());
    }

    #[test]
    fn the_other_way_round_added_is_removed((a, b) in two()) {
        let there = diff(&a, &b);
        let back = diff(&b, &a);
        prop_assert_eq!(there.len(), back.len());
        for (one, other) in there.iter().zip(&back) {
            prop_assert_eq!(&one.what, &other.what);
            prop_assert_eq!((&one.expected, &one.seen), (&other.seen, &other.expected));
            let turned = match one.kind {
                DifferenceKind::Added => DifferenceKind::Removed,
                DifferenceKind::Removed => DifferenceKind::Added,
                DifferenceKind::Changed => DifferenceKind::Changed,
            };
            prop_assert_eq!(turned, other.kind);
        }
    }

    #[test]
    fn what_changed_reads_differently((a, b) in two()) {
        for one in diff(&a, &b) {
            prop_assert_ne!(&one.expected, &one.seen);
            let begins = |signs: [char; 3]| one.text.lines().all(|l| l.starts_with(signs));
            prop_assert!(begins(['-', '+', ' ']), "{}", one.text);
        }
    }

    #[test]
    fn each_thing_is_told_once((a, b) in two()) {
        let mut whats: Vec<_> = diff(&a, &b).into_iter().map(|d| d.what).collect();
        let all = whats.len();
        whats.sort();
        whats.dedup();
        prop_assert_eq!(whats.len(), all);
    }

    #[test]
    fn a_snapshot_survives_its_file(a in some_model()) {
        let at = chrono::DateTime::UNIX_EPOCH;
        let snapshot = SchemaSnapshot::new(at, "SQLite 3".into(), "x".into(), vec!["main".into()], a);
        let read = SchemaSnapshot::read(snapshot.to_text().as_bytes());
        prop_assert_eq!(read, Ok(snapshot));
    }

    #[test]
    fn no_text_makes_the_readers_panic(text in ".{0,200}") {
        drop(SchemaSnapshot::read(text.as_bytes()));
        drop(Relation::parse(&text));
    }

    #[test]
    fn no_change_of_a_snapshots_bytes_makes_its_reader_panic(at in 0usize..2000, byte in any::<u8>()) {
        let mut bytes = SchemaSnapshot::new(
            chrono::DateTime::UNIX_EPOCH, "SQLite 3".into(), "x".into(), vec![], Model::default(),
        ).to_text().into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        drop(SchemaSnapshot::read(&bytes));
    }
}
