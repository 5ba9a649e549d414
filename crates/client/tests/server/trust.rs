//! Who may not, is told so and stays away.

use onair_client::{Token, connection::State};
use onair_wire::ProductionId;

use super::stage::{Stage, follow, main, patient, until_state};

#[tokio::test]
async fn e1_a_token_that_nobody_knows_stops_and_another_goes_on() {
    let stage = Stage::new().await;
    let (_, token) = stage.token("viewer", &["main"]).await;
    let client = stage.client_with(|options| options.token = Some(Token::new("onair_unknown")));
    let production = client.production(main(), None);
    let connection = until_state(&client, State::NeedsAuth).await;
    assert_eq!((connection.reason.as_deref(), connection.retry_in), (Some("unauthenticated"), None));
    assert_eq!(patient("a refusal", production.ready()).await.unwrap_err().code, "unauthenticated");
    client.reconnect(Some(Token::new(token)));
    patient("the snapshot", production.ready()).await.unwrap();
    assert_eq!(client.connection().borrow().role.as_deref(), Some("viewer"));
    assert!(!format!("{client:?}").contains("onair_unknown"), "a token is shown to nobody");
}

#[tokio::test]
async fn e1_a_production_that_is_forbidden_is_not_asked_for_again() {
    let stage = Stage::new().await;
    let (_, token) = stage.token("viewer", &["main"]).await;
    let (status, _) = stage.call("PUT", "/v1/productions/secret", None).await;
    assert_eq!(status, 201);
    let client = stage.client_with(|options| options.token = Some(Token::new(token)));
    follow(&client).await;
    let secret = client.production(ProductionId::new("secret").unwrap(), None);
    assert_eq!(patient("a refusal", secret.ready()).await.unwrap_err().code, "forbidden");
    until_state(&client, State::Connected).await;
}

#[tokio::test]
async fn e1_a_revoked_token_ends_the_connection() {
    let stage = Stage::new().await;
    let (id, token) = stage.token("viewer", &["main"]).await;
    let (_, _) = stage.token("viewer", &["main"]).await;
    let client = stage.client_with(|options| options.token = Some(Token::new(token)));
    follow(&client).await;
    let (status, _) = stage.call("DELETE", &format!("/v1/tokens/{id}"), None).await;
    assert_eq!(status, 204);
    until_state(&client, State::NeedsAuth).await;
}
