//! MIGRATIONS: how the schema came to be what it is, for every database.

/// A step: its number, the name of its file without that, its text.
pub(super) struct Migration {
    pub number: i64,
    pub name: &'static str,
    pub text: &'static str,
}

macro_rules! migrations {
    ($($number:literal $digits:literal $name:literal),* $(,)?) => {
        [$(Migration {
            number: $number,
            name: $name,
            text: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/schema/", $digits, "_", $name, ".sql")),
        }),*]
    };
}

/// All steps, in their order. Those that were taken are known by the hash of their text, which is never changed.
pub(super) static MIGRATIONS: [Migration; 37] = migrations![
    1 "0001" "principal",
    2 "0002" "tree",
    3 "0003" "past",
    4 "0004" "calendar",
    5 "0005" "feed",
    6 "0006" "everyone",
    7 "0007" "gone_uid",
    8 "0008" "collection",
    9 "0009" "chain",
    10 "0010" "named",
    11 "0011" "losses",
    12 "0012" "held",
    13 "0013" "emptied",
    14 "0014" "returned",
    15 "0015" "bounds",
    16 "0016" "name_keys",
    17 "0017" "job",
    18 "0018" "rights",
    19 "0019" "device",
    20 "0020" "private",
    21 "0021" "sharing",
    22 "0022" "leaks",
    23 "0023" "schedule_tag",
    24 "0024" "inbox",
    25 "0025" "default_calendar",
    26 "0026" "mail",
    27 "0027" "scheduling",
    28 "0028" "freebusy_address",
    31 "0031" "invitee",
    33 "0033" "meeting_folder",
    34 "0034" "meeting_folders",
    35 "0035" "busy_times",
    36 "0036" "invited_group",
    37 "0037" "minutes",
    38 "0038" "personal_part",
    39 "0039" "received",
    40 "0040" "mail_sender",
];

#[cfg(test)]
mod tests {
    use std::fs;

    use super::MIGRATIONS;

    #[test]
    fn each_file_of_the_schema_is_a_step() {
        let mut files: Vec<_> = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/schema"))
            .expect("a folder")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        files.sort_unstable();
        assert_eq!(files.len(), MIGRATIONS.len());
        assert!(MIGRATIONS.windows(2).all(|pair| pair[0].number < pair[1].number));
        for (file, migration) in files.iter().zip(&MIGRATIONS) {
            let name = file.file_name().expect("a name").to_string_lossy();
            assert_eq!(name, format!("{:04}_{}.sql", migration.number, migration.name));
            assert_eq!(fs::read_to_string(file).expect("a text"), migration.text, "{name}");
        }
    }
}
