//! How much each caller may ask for.

use serde_json::json;

use crate::{Answer, Bed, Caller};

#[test]
fn whoever_asks_too_much_is_told_when_to_come_back_and_nobody_else_is() {
    let bed = Bed::new(&["--rate-limit", "1"]);
    let (boss, other) = (bed.boss(), bed.boss());
    let token = boss.call(
        "POST",
        "api/v1/tokens",
        &json!({"name": "t", "permissions": ["read"]}),
    );
    let token = token.expect(201)["token"].as_str().unwrap().to_owned();
    let refused = refusal(&boss, "api/v1/flows");
    assert_eq!(refused.problem(), (429, "too_many_requests"));
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=10).contains(&wait), "{refused:?}");
    // It is one user's, in whichever session; a token of theirs is a caller of its own, and so is nobody.
    assert_eq!(refusal(&other, "api/v1/flows").status, 429);
    let bearer = format!("Bearer {token}");
    let program = Caller::nobody(bed.server.base()).with("authorization", &bearer);
    program.get("api/v1/flows").expect(200);
    let nobody = Caller::nobody(bed.server.base());
    assert_eq!(nobody.get("api/v1/flows").status, 401);
    let told = refusal(&boss.with("accept-language", "zh-CN"), "api/v1/flows");
    assert_eq!(told.body["title"], "请求过于频繁");
    // Secrets that are tried out are counted where they come from.
    let guess = Caller::nobody(bed.server.base()).with("authorization", "Bearer hcndc_guess");
    refusal(&guess, "api/v1/flows");
    refusal(&nobody, "api/v1/session/ways");
    // What watches over the server is not kept from it.
    for _ in 0..40 {
        nobody.get("healthz").expect(200);
    }
}

/// What a caller is told whose bucket is empty. It fills up again meanwhile, but not as fast as this asks.
fn refusal(caller: &Caller, path: &str) -> Answer {
    let mut answers = (0..40).map(|_| caller.get(path));
    answers.find(|answer| answer.status == 429).unwrap()
}

#[test]
fn nobody_is_held_up_where_that_is_set() {
    let bed = Bed::new(&["--rate-limit", "0"]);
    let boss = bed.boss();
    for _ in 0..50 {
        boss.get("api/v1/session").expect(200);
    }
}
