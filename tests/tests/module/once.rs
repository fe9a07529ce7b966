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
