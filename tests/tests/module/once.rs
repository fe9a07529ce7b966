//! Whose a key is, and for how long it binds. That every reducer is carried out
//! once for each key is tried by its case in `cases`.

use serde_json::json;
use spaces_domain::ErrorKind;
use spaces_tests::none;
use uuid::Uuid;

use crate::world::World;

#[test]
fn a_key_belongs_to_its_sender_and_a_refused_call_leaves_it_free() {
    let world = World::open();
    let (one, two) = (world.user(), world.user());
    let key = Uuid::new_v4().to_string();
    let note = |text: &str| json!([none(), "example.org/spaces", none(), text, []]);
    assert!(one.under(&key, "leave_note", note("")).is_err());
    assert_eq!(one.under(&key, "leave_note", note("said")), Ok(()));
    assert_eq!(
        two.under(&key, "leave_note", note("said by another")),
        Ok(())
    );
    assert_eq!(one.rows("SELECT * FROM note").len(), 2);
    for bad in ["", "1", "0190163D-8694-739B-AEA5-966C26F8AD90"] {
        let refusal = one.under(bad, "leave_note", note("x")).unwrap_err();
        assert_eq!(refusal.kind, ErrorKind::Invalid, "{bad:?}");
    }
}

#[test]
fn a_call_that_names_another_waits_for_it() {
    let world = World::open();
    let (one, two) = (world.user(), world.user());
    let note = |text: &str| json!([none(), "example.org/spaces", none(), text, []]);
    let [first, second, third] = std::array::from_fn(|_| Uuid::new_v4().to_string());
    let behind = |key: &str, after: &str| format!("{key}/{after}");

    let early = one.under(&behind(&second, &first), "leave_note", note("second"));
    assert_eq!(early.unwrap_err().kind, ErrorKind::OutOfOrder);
    assert_eq!(two.under(&first, "leave_note", note("another's")), Ok(()));
    let early = one.under(&behind(&second, &first), "leave_note", note("second"));
    assert_eq!(
        early.unwrap_err().kind,
        ErrorKind::OutOfOrder,
        "a key of another user is none of one's own"
    );

    assert_eq!(one.under(&first, "leave_note", note("first")), Ok(()));
    let in_time = one.under(&behind(&second, &first), "leave_note", note("second"));
    assert_eq!(in_time, Ok(()));
    // Carried out is carried out, whatever a copy of it names.
    for copy in [
        second.clone(),
        behind(&second, &first),
        behind(&second, &third),
    ] {
        assert_eq!(one.under(&copy, "leave_note", note("second")), Ok(()));
    }
    let told = one.values("SELECT client_key FROM note WHERE content = 'second'");
    assert_eq!(told.len(), 1);
    assert!(
        json!(told).to_string().contains(&format!("\"{second}\"")),
        "{told:?}"
    );
    for bad in [
        format!("{third}/"),
        format!("{third}/x"),
        behind(&third, &behind(&first, &second)),
    ] {
        let refusal = one.under(&bad, "leave_note", note("third")).unwrap_err();
        assert_eq!(refusal.kind, ErrorKind::Invalid, "{bad:?}");
    }
}
