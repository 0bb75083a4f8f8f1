//! Pieces of statements that ask which grants `a` an actor holds, be it through a group, and until when.
//!
//! All that a partner may do in a project ends with their part in it, and they may have that through a group, or hold a
//! grant through one. So it is asked of the actor, grant by grant: what others in the same group may stays theirs.

/// Until when a grant `a` is the actor's `$actor`; NULL: for good. What is granted on a part of a project to who is a
/// partner there, of this rank, ends when the last of their roles on all of it does. What everyone has counts for
/// neither.
macro_rules! until_for {
    ($actor:literal) => {
        concat!(
            "CASE WHEN a.node_id <> a.home_id AND a.principal_id <> 0 THEN (SELECT MIN(e.until_at) FROM (SELECT \
             a.until_at AS until_at UNION ALL SELECT CASE WHEN MAX(CASE p.role WHEN 5 THEN 1 ELSE 0 END) = 1 THEN \
             MAX(COALESCE(p.until_at, 9223372036854775807)) END FROM effective_membership g CROSS JOIN ace p WHERE \
             g.member_id = ",
            $actor,
            " AND g.group_id <> 0 AND p.node_id = a.home_id AND p.principal_id = g.group_id) e) ELSE a.until_at END"
        )
    };
}
pub(super) use until_for;

/// The same as an instant.
macro_rules! held_until {
    ($actor:literal) => {
        concat!("COALESCE(", crate::store::held::until_for!($actor), ", 9223372036854775807)")
    };
}
pub(super) use held_until;

/// Of the grants `a` on nodes that are known: those that an actor `$1` holds at a moment `$2`. It costs a look for each
/// grant, not for each group.
macro_rules! held_at {
    () => {
        concat!(
            "EXISTS (SELECT 1 FROM effective_membership m WHERE m.member_id = $1 AND m.group_id = a.principal_id) AND ",
            crate::store::held::held_until!("$1"),
            " > $2"
        )
    };
}
pub(super) use held_at;

/// All grants `a` that an actor `$1` holds at a moment `$2`: where nodes are looked for.
macro_rules! held_by {
    () => {
        concat!(
            "a.principal_id IN (SELECT m.group_id FROM effective_membership m WHERE m.member_id = $1) AND ",
            crate::store::held::held_until!("$1"),
            " > $2"
        )
    };
}
pub(super) use held_by;

/// Are private events seen by a role `a`? Not by one that is less than it was granted, for its project is closed.
macro_rules! seen_by_role {
    () => {
        "CASE WHEN a.role < a.granted_role THEN 0 ELSE a.sees_private END"
    };
}
pub(super) use seen_by_role;
