//! A panic is caught, whenever it comes, and told.

use std::panic::AssertUnwindSafe;

use super::catch;

async fn caught(future: impl Future<Output = u8>) -> Result<u8, String> {
    catch(AssertUnwindSafe(future)).await
}

#[tokio::test]
async fn a_value_passes_unchanged() {
    assert_eq!(caught(async { 7 }).await, Ok(7));
}

#[tokio::test]
async fn a_panic_at_once_or_after_waiting_becomes_its_text() {
    let at_once = caught(async { panic!("at once") }).await;
    assert_eq!(at_once, Err("at once".to_owned()));
    let later = caught(async {
        tokio::task::yield_now().await;
        panic!("with {}", "values")
    });
    assert_eq!(later.await, Err("with values".to_owned()));
}

#[tokio::test]
async fn a_panic_of_a_blocking_part_that_is_passed_on_is_caught_too() {
    let passed_on = caught(async {
        let looking = tokio::task::spawn_blocking(|| -> u8 { panic!("on another thread") });
        match looking.await {
            Ok(value) => value,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    });
    assert_eq!(passed_on.await, Err("on another thread".to_owned()));
}

#[tokio::test]
async fn a_panic_without_text_is_told_as_such() {
    let silent = caught(async { std::panic::panic_any(3u8) }).await;
    assert_eq!(silent, Err("a panic without a message".to_owned()));
}
