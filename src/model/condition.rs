//! Every way to refuse a request: the CONDITIONS table.
//!
//! A refusal names a [`Condition`]; status and error element follow from its row, never from where it arose.

use super::name::{BEFFROI, QName};

/// Why a request is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[expect(missing_docs, reason = "each row of the table says what it means")]
pub enum Condition {
    BadRequest,
    BadXml,
    BadPath,
    AddressWithQuery,
    BadBody,
    ChecksumMismatch,
    Unauthenticated,
    NeedPrivileges,
    SameResource,
    IntoItself,
    PropfindFiniteDepth,
    CannotModifyProtectedProperty,
    NameNotAllowed,
    NameTaken,
    CannotHold,
    SupportedReport,
    ValidSyncToken,
    ValidResourceType,
    NotFound,
    MethodNotAllowed,
    AlreadyMapped,
    ParentMissing,
    LockTokenMatchesRequestUri,
    PropertyValue,
    LengthMismatch,
    PreconditionFailed,
    LockTokenNotHeld,
    TooLarge,
    UnsupportedMediaType,
    ContentCoding,
    RangeNotSatisfiable,
    LockTokenSubmitted,
    NoConflictingLock,
    FailedDependency,
    HeaderTooLarge,
    MethodUnknown,
    TransferCoding,
    ForeignDestination,
    QuotaNotExceeded,
    TooManyLocks,
    TooManyProperties,
    TimedOut,
    DeletionsWithinLimits,
    VersionMissing,
    CalendarCollectionLocationOk,
    ValidCalendarData,
    ValidCalendarObjectResource,
    SupportedCalendarData,
    SupportedRscale,
    SupportedCalendarComponent,
    NoUidConflict,
    MaxResourceSize,
    ValidFilter,
    SupportedFilter,
    SupportedCollation,
    ValidTimezone,
    MaxAttendeesPerInstance,
    WorkWithinLimits,
    Busy,
    TooDeep,
    OwnDeletionsWithinLimits,
    RestoredInItsHome,
    SufficientDiskSpace,
    ForeignOrigin,
    TooManyLogins,
    ResourceMustBeNull,
    GrantOnly,
    NoInvert,
    NoAbstract,
    NotSupportedPrivilege,
    RecognizedPrincipal,
    AllowedPrincipal,
    NoProtectedAceConflict,
    NoInheritedAceConflict,
    LimitedNumberOfAces,
    NoAceConflict,
    InvitationExists,
    DefaultCalendarNeeded,
    ValidScheduleDefaultCalendarUrl,
    ValidSchedulingMessage,
    ValidOrganizer,
    UniqueSchedulingObjectResource,
    SameOrganizerInAllComponents,
    AllowedOrganizerChange,
    AllowedAttendeeChange,
    MailableRecurrence,
    ValidActionParameter,
    ValidRidParameter,
    ValidManagedIdParameter,
    ValidManagedId,
    MaxAttachmentSize,
    MaxAttachmentsPerResource,
    PersonalPartsWithinLimits,
    MeetingsWithinLimits,
}

/// What a client is answered.
pub struct ConditionRow {
    /// The condition.
    pub condition: Condition,
    /// HTTP status.
    pub status: u16,
    /// Child of `DAV:error`, where a standard or we have named one.
    pub element: Option<QName>,
    /// Where it is defined.
    pub source: &'static str,
}

const fn plain(condition: Condition, status: u16, source: &'static str) -> ConditionRow {
    ConditionRow { condition, status, element: None, source }
}

const fn dav(condition: Condition, status: u16, element: &'static str, source: &'static str) -> ConditionRow {
    ConditionRow { condition, status, element: Some(QName::dav(element)), source }
}

const fn caldav(condition: Condition, status: u16, element: &'static str, source: &'static str) -> ConditionRow {
    ConditionRow { condition, status, element: Some(QName::caldav(element)), source }
}

const fn ours(condition: Condition, status: u16, element: &'static str) -> ConditionRow {
    ConditionRow { condition, status, element: Some(QName::of(BEFFROI, element)), source: "ours" }
}

/// One row a condition, in the order of [`Condition`].
pub static CONDITIONS: [ConditionRow; 94] = [
    plain(Condition::BadRequest, 400, "RFC 9110 section 15.5.1"),
    ours(Condition::BadXml, 400, "well-formed-xml"),
    ours(Condition::BadPath, 400, "valid-path"),
    ours(Condition::AddressWithQuery, 400, "address-without-query"),
    ours(Condition::BadBody, 400, "complete-body"),
    ours(Condition::ChecksumMismatch, 400, "checksum-matches"),
    plain(Condition::Unauthenticated, 401, "RFC 9110 section 15.5.2"),
    dav(Condition::NeedPrivileges, 403, "need-privileges", "RFC 3744 section 7.1.1"),
    ours(Condition::SameResource, 403, "source-is-not-destination"),
    ours(Condition::IntoItself, 403, "destination-is-not-below-source"),
    dav(Condition::PropfindFiniteDepth, 403, "propfind-finite-depth", "RFC 4918 section 9.1.1"),
    dav(Condition::CannotModifyProtectedProperty, 403, "cannot-modify-protected-property", "RFC 4918 section 16"),
    ours(Condition::NameNotAllowed, 403, "name-allowed"),
    ours(Condition::NameTaken, 403, "name-not-taken"),
    ours(Condition::CannotHold, 403, "collection-holds-such-members"),
    dav(Condition::SupportedReport, 403, "supported-report", "RFC 3253 section 3.6"),
    dav(Condition::ValidSyncToken, 403, "valid-sync-token", "RFC 6578 section 3.2"),
    dav(Condition::ValidResourceType, 403, "valid-resourcetype", "RFC 5689 section 3.3"),
    plain(Condition::NotFound, 404, "RFC 9110 section 15.5.5"),
    plain(Condition::MethodNotAllowed, 405, "RFC 9110 section 15.5.6"),
    dav(Condition::AlreadyMapped, 405, "resource-must-be-null", "RFC 4918 section 9.3.1, RFC 3253 section 3.3"),
    ours(Condition::ParentMissing, 409, "parent-exists"),
    dav(Condition::LockTokenMatchesRequestUri, 409, "lock-token-matches-request-uri", "RFC 4918 section 9.11.1"),
    ours(Condition::PropertyValue, 409, "valid-property-value"),
    ours(Condition::LengthMismatch, 400, "expected-length"),
    plain(Condition::PreconditionFailed, 412, "RFC 9110 section 15.5.13"),
    dav(Condition::LockTokenNotHeld, 412, "lock-token-matches-request-uri", "RFC 4918 section 9.10.2"),
    plain(Condition::TooLarge, 413, "RFC 9110 section 15.5.14"),
    plain(Condition::UnsupportedMediaType, 415, "RFC 4918 section 9.3.1"),
    plain(Condition::ContentCoding, 415, "RFC 9110 section 15.5.16"),
    plain(Condition::RangeNotSatisfiable, 416, "RFC 9110 section 15.5.17"),
    dav(Condition::LockTokenSubmitted, 423, "lock-token-submitted", "RFC 4918 section 16"),
    dav(Condition::NoConflictingLock, 423, "no-conflicting-lock", "RFC 4918 section 16"),
    plain(Condition::FailedDependency, 424, "RFC 4918 section 11.4"),
    plain(Condition::HeaderTooLarge, 431, "RFC 6585 section 5"),
    plain(Condition::MethodUnknown, 501, "RFC 9110 section 15.6.2"),
    plain(Condition::TransferCoding, 501, "RFC 9112 section 6.1"),
    plain(Condition::ForeignDestination, 502, "RFC 4918 section 9.8.5"),
    dav(Condition::QuotaNotExceeded, 507, "quota-not-exceeded", "RFC 4331 section 6"),
    ours(Condition::TooManyLocks, 403, "number-of-locks-within-limits"),
    ours(Condition::TooManyProperties, 507, "size-of-properties-within-limits"),
    plain(Condition::TimedOut, 408, "RFC 9110 section 15.5.9"),
    ours(Condition::DeletionsWithinLimits, 403, "deletions-within-limits"),
    ours(Condition::VersionMissing, 409, "version-exists"),
    caldav(Condition::CalendarCollectionLocationOk, 403, "calendar-collection-location-ok", "RFC 4791 section 5.3.1.1"),
    caldav(Condition::ValidCalendarData, 403, "valid-calendar-data", "RFC 4791 section 5.3.2.1"),
    caldav(Condition::ValidCalendarObjectResource, 403, "valid-calendar-object-resource", "RFC 4791 section 5.3.2.1"),
    caldav(Condition::SupportedCalendarData, 403, "supported-calendar-data", "RFC 4791 section 5.3.2.1"),
    caldav(Condition::SupportedRscale, 403, "supported-rscale", "RFC 7529"),
    caldav(Condition::SupportedCalendarComponent, 403, "supported-calendar-component", "RFC 4791 section 5.3.2.1"),
    caldav(Condition::NoUidConflict, 403, "no-uid-conflict", "RFC 4791 section 5.3.2.1"),
    caldav(Condition::MaxResourceSize, 403, "max-resource-size", "RFC 4791 section 5.3.2.1"),
    caldav(Condition::ValidFilter, 403, "valid-filter", "RFC 4791 section 7.8"),
    caldav(Condition::SupportedFilter, 403, "supported-filter", "RFC 4791 section 7.8"),
    caldav(Condition::SupportedCollation, 403, "supported-collation", "RFC 4791 section 7.5.1"),
    caldav(Condition::ValidTimezone, 403, "valid-timezone", "RFC 7809 section 5.2"),
    caldav(Condition::MaxAttendeesPerInstance, 403, "max-attendees-per-instance", "RFC 4791 section 5.3.2.1"),
    dav(
        Condition::WorkWithinLimits,
        507,
        "number-of-matches-within-limits",
        "RFC 3744 section 9.4, RFC 4791 section 7.8",
    ),
    plain(Condition::Busy, 503, "RFC 9110 section 15.6.4"),
    ours(Condition::TooDeep, 403, "depth-within-limits"),
    ours(Condition::OwnDeletionsWithinLimits, 403, "deletions-within-limits"),
    ours(Condition::RestoredInItsHome, 403, "restored-in-its-home"),
    dav(Condition::SufficientDiskSpace, 507, "sufficient-disk-space", "RFC 4331 section 6"),
    ours(Condition::ForeignOrigin, 403, "own-origin"),
    plain(Condition::TooManyLogins, 429, "RFC 6585 section 4"),
    dav(Condition::ResourceMustBeNull, 403, "resource-must-be-null", "RFC 4791 section 5.3.1"),
    dav(Condition::GrantOnly, 403, "grant-only", "RFC 3744 section 8.1.1"),
    dav(Condition::NoInvert, 403, "no-invert", "RFC 3744 section 8.1.1"),
    dav(Condition::NoAbstract, 403, "no-abstract", "RFC 3744 section 8.1.1"),
    dav(Condition::NotSupportedPrivilege, 403, "not-supported-privilege", "RFC 3744 section 8.1.1"),
    dav(Condition::RecognizedPrincipal, 403, "recognized-principal", "RFC 3744 section 8.1.1"),
    dav(Condition::AllowedPrincipal, 403, "allowed-principal", "RFC 3744 section 8.1.1"),
    dav(Condition::NoProtectedAceConflict, 403, "no-protected-ace-conflict", "RFC 3744 section 8.1.1"),
    dav(Condition::NoInheritedAceConflict, 403, "no-inherited-ace-conflict", "RFC 3744 section 8.1.1"),
    dav(Condition::LimitedNumberOfAces, 403, "limited-number-of-aces", "RFC 3744 section 8.1.1"),
    dav(Condition::NoAceConflict, 403, "no-ace-conflict", "RFC 3744 section 8.1.1"),
    ours(Condition::InvitationExists, 403, "invitation-exists"),
    caldav(Condition::DefaultCalendarNeeded, 403, "default-calendar-needed", "RFC 6638 section 4.3.1.1"),
    caldav(
        Condition::ValidScheduleDefaultCalendarUrl,
        403,
        "valid-schedule-default-calendar-URL",
        "RFC 6638 section 4.3.1.2",
    ),
    caldav(Condition::ValidSchedulingMessage, 400, "valid-scheduling-message", "RFC 6638 section 5.2.1"),
    caldav(Condition::ValidOrganizer, 403, "valid-organizer", "RFC 6638 section 5.2.2"),
    caldav(
        Condition::UniqueSchedulingObjectResource,
        403,
        "unique-scheduling-object-resource",
        "RFC 6638 section 3.2.4.1",
    ),
    caldav(
        Condition::SameOrganizerInAllComponents,
        403,
        "same-organizer-in-all-components",
        "RFC 6638 section 3.2.4.2",
    ),
    caldav(
        Condition::AllowedOrganizerChange,
        403,
        "allowed-organizer-scheduling-object-change",
        "RFC 6638 section 3.2.4.3",
    ),
    caldav(
        Condition::AllowedAttendeeChange,
        403,
        "allowed-attendee-scheduling-object-change",
        "RFC 6638 section 3.2.4.4",
    ),
    ours(Condition::MailableRecurrence, 403, "mailable-recurrence"),
    caldav(Condition::ValidActionParameter, 403, "valid-action-parameter", "RFC 8607 section 3.11"),
    caldav(Condition::ValidRidParameter, 403, "valid-rid-parameter", "RFC 8607 section 3.11"),
    caldav(Condition::ValidManagedIdParameter, 403, "valid-managed-id-parameter", "RFC 8607 section 3.11"),
    caldav(Condition::ValidManagedId, 403, "valid-managed-id", "RFC 8607 section 3.11"),
    caldav(Condition::MaxAttachmentSize, 403, "max-attachment-size", "RFC 8607 section 3.11"),
    caldav(Condition::MaxAttachmentsPerResource, 403, "max-attachments-per-resource", "RFC 8607 section 3.11"),
    ours(Condition::PersonalPartsWithinLimits, 507, "personal-parts-within-limits"),
    ours(Condition::MeetingsWithinLimits, 403, "meetings-within-limits"),
];

impl Condition {
    /// The condition's row.
    #[must_use]
    pub fn row(self) -> &'static ConditionRow {
        // The table is in the order of the enum (a test holds it to that), so the fallback is never reached.
        CONDITIONS.get(self as usize).unwrap_or(&CONDITIONS[0])
    }

    /// Its status.
    #[must_use]
    pub fn status(self) -> u16 {
        self.row().status
    }
}

#[cfg(test)]
mod tests {
    use super::CONDITIONS;

    #[test]
    fn table_is_in_the_order_of_the_enum() {
        for (position, row) in CONDITIONS.iter().enumerate() {
            assert_eq!(row.condition as usize, position, "{}", row.source);
            assert!((400..600).contains(&row.status));
        }
    }
}
