use super::*;

#[test]
fn nine_migrations_make_nineteen_tables() {
    let numbers: Vec<usize> = migrations().map(|(number, _)| number).collect();
    assert_eq!(numbers, (1..=9).collect::<Vec<_>>());
    let tables: usize = migrations()
        .map(|(_, sql)| sql.matches("create table").count())
        .sum();
    assert_eq!(tables + LEDGER.matches("create table").count(), 19);
}

#[test]
fn the_fault_file_of_the_case_says_what_the_code_does() {
    assert_eq!(
        crate::planted::written(include_str!(
            "../../../../cases/signal-harvester/faults.yaml"
        )),
        crate::planted::as_yaml(faults())
    );
}
