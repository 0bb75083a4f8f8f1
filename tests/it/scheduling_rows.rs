//! Row by row, which test shows what RFC 6638 section 3.2 and RFC 5546 sections 3.2 and 4 say of meetings. The page of
//! what is covered is written from it.

use std::path::Path;

/// Source, row, and the test; where there is none, why.
pub const ROWS: &[(&str, &str, Result<&str, &str>)] = &[
    (
        "RFC 6638 section 3.2.1.1",
        "create: SERVER, CLIENT, NONE",
        Ok("who_is_invited_and_called_off_follows_from_the_agent"),
    ),
    (
        "RFC 6638 section 3.2.1.2",
        "modify: sixteen pairs of absent, SERVER, CLIENT, NONE",
        Ok("who_gets_a_message_follows_from_who_sends_them"),
    ),
    (
        "RFC 6638 section 3.2.1.3",
        "remove: SERVER, CLIENT, NONE",
        Ok("who_is_invited_and_called_off_follows_from_the_agent"),
    ),
    ("RFC 6638 section 3.2.2.1", "the eleven allowed changes", Ok("what_an_attendee_may_change")),
    ("RFC 6638 section 3.2.2.1", "all others", Ok("what_an_attendee_may_not_change")),
    (
        "RFC 6638 section 3.2.2.2",
        "create: SERVER, CLIENT, NONE",
        Ok("whose_copy_is_answered_for_follows_from_the_agent_of_its_organizer"),
    ),
    (
        "RFC 6638 section 3.2.2.3",
        "modify: SERVER, CLIENT, NONE",
        Ok("whose_copy_is_answered_for_follows_from_the_agent_of_its_organizer"),
    ),
    ("RFC 6638 section 3.2.2.3", "EXDATE declines an instance", Ok("what_an_attendee_may_change")),
    (
        "RFC 6638 section 3.2.2.4",
        "remove: SERVER, CLIENT, NONE",
        Ok("whose_copy_is_answered_for_follows_from_the_agent_of_its_organizer"),
    ),
    (
        "RFC 6638 section 3.2.2.4",
        "Schedule-Reply",
        Ok("who_deletes_a_copy_declines_unless_they_say_that_no_reply_is_wanted"),
    ),
    (
        "RFC 6638 section 3.2.3.1",
        "PUT: six pairs of none, calendar object, scheduling object",
        Ok("what_a_put_does_follows_from_what_was_there_and_what_is"),
    ),
    ("RFC 6638 section 3.2.3.2", "DELETE of an object", Ok("what_a_put_does_follows_from_what_was_there_and_what_is")),
    (
        "RFC 6638 section 3.2.3.2",
        "DELETE of a calendar",
        Ok("with_a_calendar_all_its_meetings_are_called_off_or_declined"),
    ),
    (
        "RFC 6638 section 3.2.3.3",
        "COPY: between calendars, and into and out of them",
        Ok("what_is_copied_or_moved_schedules_nothing"),
    ),
    (
        "RFC 6638 section 3.2.3.4",
        "MOVE: between calendars, and into and out of them",
        Ok("what_is_copied_or_moved_schedules_nothing"),
    ),
    ("RFC 6638 section 3.2.4.1", "unique-scheduling-object-resource", Ok("a_home_holds_one_object_of_a_meeting")),
    ("RFC 6638 section 3.2.4.2", "same-organizer-in-all-components", Ok("what_nobody_may_organize_is_refused_by_name")),
    (
        "RFC 6638 section 3.2.4.3",
        "allowed-organizer-scheduling-object-change",
        Ok("what_nobody_may_organize_is_refused_by_name"),
    ),
    (
        "RFC 6638 section 3.2.4.4",
        "allowed-attendee-scheduling-object-change",
        Ok("nobody_leaves_a_meeting_by_leaving_themselves_out"),
    ),
    ("RFC 6638 section 3.2.5", "SEQUENCE", Ok("a_series_changes")),
    ("RFC 6638 section 3.2.5", "DTSTAMP", Ok("a_reply_says_what_it_is_about")),
    ("RFC 6638 section 3.2.6", "instances of who is not in all", Ok("rows_7_to_9_who_is_in_one_occurrence_only")),
    ("RFC 6638 section 3.2.7", "SCHEDULE-FORCE-SEND=REQUEST", Ok("the_organizer_sees_what_became_of_each_message")),
    ("RFC 6638 section 3.2.7", "SCHEDULE-FORCE-SEND=REPLY", Ok("what_an_attendee_may_change")),
    ("RFC 6638 section 3.2.8", "DTSTART, DTEND, DURATION, RRULE, RDATE", Ok("a_series_changes")),
    ("RFC 6638 section 3.2.8", "DUE", Ok("a_recurring_to_do")),
    ("RFC 6638 section 3.2.8", "EXDATE removed", Ok("rows_3_to_6_an_occurrence_differs")),
    ("RFC 6638 section 3.2.8", "NEEDS-ACTION as the organizer writes it", Ok("a_series_changes")),
    ("RFC 6638 section 3.2.9", "1.0, 1.1, 5.1, 5.2 by mail", Ok("what_came_of_mail_stands_on_who_was_to_get_it")),
    ("RFC 6638 section 3.2.9", "1.2, and 5.2 without mail", Ok("the_organizer_sees_what_became_of_each_message")),
    ("RFC 6638 section 3.2.9", "3.7", Ok("a_name_in_the_domain_is_no_address_of_a_person")),
    ("RFC 6638 section 3.2.9", "3.8, 5.3", Err("whoever is found here may be invited")),
    (
        "RFC 6638 section 3.2.10",
        "the organizer's tag and replies",
        Ok("an_answer_is_in_the_organizers_object_and_leaves_its_schedule_tag_alone"),
    ),
    (
        "RFC 6638 section 3.2.10",
        "the organizer's tag and requests",
        Ok("what_has_an_organizer_and_attendees_has_a_schedule_tag_and_nothing_else_has"),
    ),
    (
        "RFC 6638 section 3.2.10",
        "an attendee's tag: three rules",
        Ok("a_schedule_tag_changes_with_what_its_owner_and_the_organizer_change"),
    ),
    (
        "RFC 6638 section 3.2.10.1",
        "PUT with If-Schedule-Tag-Match",
        Ok("a_schedule_tag_alone_decides_whether_a_client_knows_enough"),
    ),
    (
        "RFC 6638 section 3.2.10.2",
        "DELETE, COPY, MOVE with it",
        Ok("a_schedule_tag_changes_with_what_its_owner_and_the_organizer_change"),
    ),
    ("RFC 5546 section 3.2.1", "PUBLISH", Ok("a_feed_is_a_calendar_that_outlook_subscribes_to")),
    ("RFC 5546 section 3.2.2", "REQUEST and its properties", Ok("a_group_event")),
    ("RFC 5546 section 3.2.2.1", "rescheduling", Ok("a_group_event")),
    ("RFC 5546 section 3.2.2.2", "updating, reconfirming", Ok("a_series_changes")),
    ("RFC 5546 section 3.2.2.3", "delegating", Err("taken over from replies; nobody is invited by it")),
    ("RFC 5546 section 3.2.2.4", "changing the organizer", Ok("who_may_organize")),
    (
        "RFC 5546 section 3.2.2.5",
        "on behalf of the organizer",
        Ok("what_a_delegate_changes_goes_out_in_the_name_of_the_owner_and_says_by_whom"),
    ),
    (
        "RFC 5546 section 3.2.2.6",
        "forwarding to somebody not invited",
        Ok("what_is_not_sure_is_shown_and_changes_nothing"),
    ),
    ("RFC 5546 section 3.2.3", "REPLY and its properties", Ok("a_reply_says_what_it_is_about")),
    ("RFC 5546 section 3.2.4", "ADD", Err("a REQUEST of the instance is sent instead, as the section allows")),
    ("RFC 5546 section 3.2.5", "CANCEL and its properties", Ok("a_recurring_event")),
    ("RFC 5546 section 3.2.6", "REFRESH", Ok("who_asks_again_gets_the_invitation_again_ten_times_an_hour")),
    ("RFC 5546 section 3.2.7", "COUNTER", Ok("a_proposal_is_shown_and_its_answer_counts")),
    ("RFC 5546 section 3.2.8", "DECLINECOUNTER", Err("a proposal is answered by the meeting as it is then")),
    ("RFC 5546 section 4.1", "published events", Ok("a_feed_is_a_calendar_that_outlook_subscribes_to")),
    ("RFC 5546 section 4.2.1", "a group event request", Ok("a_group_event")),
    ("RFC 5546 section 4.2.2", "reply to it", Ok("a_group_event")),
    ("RFC 5546 section 4.2.3", "update", Ok("a_group_event")),
    ("RFC 5546 section 4.2.4", "countering", Ok("a_proposal_is_shown_and_its_answer_counts")),
    ("RFC 5546 section 4.2.5 to 4.2.7", "delegating", Err("taken over from replies; nobody is invited by it")),
    ("RFC 5546 section 4.2.8", "forwarding", Ok("what_is_not_sure_is_shown_and_changes_nothing")),
    ("RFC 5546 section 4.2.9", "cancel", Ok("a_group_event")),
    ("RFC 5546 section 4.2.10", "removing attendees", Ok("a_group_event")),
    ("RFC 5546 section 4.2.11", "replacing the organizer", Ok("who_may_organize")),
    (
        "RFC 5546 section 4.3.1",
        "publish busy time",
        Ok("who_is_looked_up_is_busy_at_merged_times_and_nothing_else_is_shown"),
    ),
    ("RFC 5546 section 4.3.2", "request busy time", Ok("what_takes_the_time_of_someone_is_answered_and_nothing_else")),
    ("RFC 5546 section 4.3.3", "reply to it", Ok("what_takes_the_time_of_someone_is_answered_and_nothing_else")),
    ("RFC 5546 section 4.4.1", "a recurring event in a zone", Ok("a_series_changes")),
    ("RFC 5546 section 4.4.2", "modify an instance", Ok("a_recurring_event")),
    ("RFC 5546 section 4.4.3", "cancel an instance", Ok("a_recurring_event")),
    ("RFC 5546 section 4.4.4", "cancel all", Ok("a_recurring_event")),
    ("RFC 5546 section 4.4.5", "change all future instances", Ok("rows_23_and_24_another_rule")),
    ("RFC 5546 section 4.4.6", "add an instance", Ok("a_series_changes")),
    ("RFC 5546 section 4.4.7", "add a series of instances", Ok("rows_23_and_24_another_rule")),
    ("RFC 5546 section 4.4.8", "refreshing", Ok("who_asks_again_gets_the_invitation_again_ten_times_an_hour")),
    ("RFC 5546 section 4.4.9", "counter an instance", Ok("a_proposal_is_shown_and_its_answer_counts")),
    ("RFC 5546 section 4.4.10", "error reply", Ok("a_reply_says_how_and_why_and_only_once")),
    ("RFC 5546 section 4.5.1 to 4.5.6", "a to-do, its replies and its update", Ok("a_group_to_do")),
    ("RFC 5546 section 4.5.7", "recurring to-dos", Ok("a_recurring_to_do")),
    ("RFC 5546 section 4.6", "journals", Err("a journal has no attendees")),
    ("RFC 5546 section 4.7.1", "event refresh", Ok("who_asks_again_gets_the_invitation_again_ten_times_an_hour")),
    ("RFC 5546 section 4.7.2", "bad RECURRENCE-ID", Ok("rows_17_and_21_what_names_an_occurrence")),
];

#[test]
fn each_row_names_a_test_that_is_there() {
    let mut tests = String::new();
    for folder in ["tests/it", "src/ical/itip/tests"] {
        for file in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "rs") {
                tests += &std::fs::read_to_string(path).unwrap();
            }
        }
    }
    let missing = ROWS.iter().filter_map(|(.., shown)| shown.ok());
    let missing: Vec<&str> = missing.filter(|name| !tests.contains(&format!("fn {name}()"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
