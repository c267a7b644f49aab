use super::*;

#[test]
fn the_newest_version_is_taken_and_only_where_the_server_is() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(newest(folder.path()), None);
    for (version, program) in [
        ("9", "initdb"),
        ("15", "initdb"),
        ("16", "psql"),
        ("common", "initdb"),
    ] {
        let programs = folder.path().join(version).join("bin");
        std::fs::create_dir_all(&programs).unwrap();
        std::os::unix::fs::symlink("/bin/true", programs.join(program)).unwrap();
    }
    assert_eq!(newest(folder.path()), Some(folder.path().join("15/bin")));
}

#[test]
fn a_user_is_found_by_the_whole_name() {
    let users = "root:x:0:0:root:/root:/bin/sh\npostgres2:x:7:7::/:\npostgres:x:105:110:,,,:/var/lib/postgresql:/bin/bash\n";
    assert_eq!(ids(users, "postgres"), Some((105, 110)));
    assert_eq!(ids(users, "nobody"), None);
}
