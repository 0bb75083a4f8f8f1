//! Of what a dead property speaks: of a document, which goes on through all its versions, or of the one file that a
//! program made of it.
//!
//! When another file comes to stand for a document (it was deleted or set aside and its name is taken again, or a file
//! is copied or moved onto it), what was said of the file before is not true of the new one: its date of creation, that
//! it is hidden, that it may be executed. The new one brings what is said of itself. What was said of the document
//! stays.

use super::name::{CALENDARSERVER, MICROSOFT, QName};

/// What programs say of a file as such: a namespace, and the names in it, or all (none named). All else speaks of the
/// document.
pub const OF_FILE: [(&str, &[&str]); 7] = [
    // Windows: the times and attributes that a file system keeps.
    (MICROSOFT, &[]),
    // The same from Windows' older programs, and the time that rclone and Cyberduck set.
    ("DAV:", &["lastmodified", "lastaccessed", "ishidden", "isreadonly"]),
    // davfs2 and mod_dav: `executable`.
    ("http://apache.org/dav/props/", &[]),
    // Finder: type, creator and flags.
    ("http://www.apple.com/webdav_fs/props/", &[]),
    // Cyberduck: the times of a file here and there.
    ("SAR:", &[]),
    // WebDrive: the same.
    ("http://www.southrivertech.com/", &[]),
    // Programs for Nextcloud.
    ("http://nextcloud.org/ns", &["creation_time", "upload_time"]),
];

/// The rows of [`OF_FILE`] as texts: a namespace and a name, or a namespace and nothing, with a space between them.
#[must_use]
pub fn of_file() -> Vec<String> {
    let spelled = |(namespace, names): &(&str, &[&str])| -> Vec<String> {
        let all: &[&str] = if names.is_empty() { &[""] } else { names };
        all.iter().map(|name| format!("{namespace} {name}")).collect()
    };
    OF_FILE.iter().flat_map(spelled).collect()
}

/// The zone of a calendar is given by its name (RFC 7809 section 5.2) or whole (RFC 4791 section 5.2.2): two
/// properties, one value.
pub const ZONE: [QName; 2] = [QName::caldav("calendar-timezone-id"), QName::caldav("calendar-timezone")];

/// When someone is available (RFC 7953 section 7.2.4), by its name and by that of older clients.
pub const AVAILABILITY: [QName; 2] =
    [QName::caldav("calendar-availability"), QName::of(CALENDARSERVER, "calendar-availability")];

/// Do the objects of a calendar take the time of its owner (RFC 6638 section 9.1)?
pub const TRANSPARENCY: QName = QName::caldav("schedule-calendar-transp");
/// The element that says of a calendar that they do not.
pub const TRANSPARENT: &str = "<C:schedule-calendar-transp xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><C:transparent/>\
                               </C:schedule-calendar-transp>";

/// The other property that has the same value: whoever sets or removes the one ends the other, so that both always
/// agree.
#[must_use]
pub fn other_of(name: &QName) -> Option<QName> {
    let [by_name, whole] = ZONE;
    if *name == by_name {
        Some(whole)
    } else if *name == whole {
        Some(by_name)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{OF_FILE, of_file};

    #[test]
    fn a_row_names_one_property_or_one_namespace() {
        assert!(OF_FILE.iter().all(|(namespace, _)| !namespace.is_empty() && !namespace.contains(' ')));
        let spelled = of_file();
        assert!(spelled.contains(&"DAV: ishidden".to_owned()));
        assert!(spelled.contains(&"urn:schemas-microsoft-com: ".to_owned()));
        assert!(!spelled.contains(&"DAV: ".to_owned()));
    }
}
