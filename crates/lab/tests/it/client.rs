//! Asks a running system, one connection per request.

use http_body_util::{BodyExt as _, Full};
use hyper::{HeaderMap, Method, Request, StatusCode, body::Bytes};
use hyper_util::rt::TokioIo;
use jsonwebtoken::{EncodingKey, Header};
use lab::metasheet2::Running;
use serde_json::{Value, json};

pub(crate) const SECRET: &str = "of the tests only";
pub(crate) const RELEASE: &str = "7f3a9c0de1b2a3f4455667788990aabbccddeeff";

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    /// Null where the body is not JSON.
    pub(crate) body: Value,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// One who asks, with what stands in `Authorization`.
#[derive(Clone)]
pub(crate) struct Client {
    address: String,
    authorization: Option<String>,
    id: Option<String>,
}

impl Client {
    /// An admin.
    pub(crate) fn admin(lab: &Running) -> Self {
        Self::nobody(lab).bearing(&token(
            &json!({"sub": "ops", "roles": ["admin"], "exp": in_seconds(7200)}),
        ))
    }

    pub(crate) fn nobody(lab: &Running) -> Self {
        Self::at(&lab.addr().to_string())
    }

    pub(crate) fn at(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            authorization: None,
            id: None,
        }
    }

    pub(crate) fn bearing(&self, token: &str) -> Self {
        self.with_authorization(&format!("Bearer {token}"))
    }

    pub(crate) fn with_authorization(&self, header: &str) -> Self {
        Self {
            authorization: Some(header.to_owned()),
            ..self.clone()
        }
    }

    pub(crate) fn called(&self, id: &str) -> Self {
        Self {
            id: Some(id.to_owned()),
            ..self.clone()
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.ask(Method::GET, path, None).await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        self.ask(Method::POST, path, Some(body)).await.unwrap()
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Reply {
        self.ask(Method::PUT, path, Some(body)).await.unwrap()
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Reply {
        self.ask(Method::PATCH, path, Some(body)).await.unwrap()
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.ask(Method::DELETE, path, None).await.unwrap()
    }

    /// Any request; an error when the answer could not be read whole.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Reply, hyper::Error> {
        self.send(
            method,
            path,
            body.map(|body| body.to_string()).unwrap_or_default(),
        )
        .await
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: String,
    ) -> Result<Reply, hyper::Error> {
        let stream = tokio::net::TcpStream::connect(&self.address).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.address);
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        if let Some(id) = &self.id {
            request = request.header("x-client-id", id);
        }
        let request = request.body(Full::new(Bytes::from(body))).unwrap();
        let answer = async {
            let (parts, body) = sender.send_request(request).await?.into_parts();
            let text = String::from_utf8(body.collect().await?.to_bytes().to_vec()).unwrap();
            let body = serde_json::from_str(&text).unwrap_or_default();
            Ok(Reply {
                status: parts.status,
                headers: parts.headers,
                text,
                body,
            })
        }
        .await;
        connection.abort();
        answer
    }
}

pub(crate) fn token(claims: &Value) -> String {
    token_with(claims, SECRET)
}

pub(crate) fn token_with(claims: &Value, secret: &str) -> String {
    jsonwebtoken::encode(
        &Header::default(),
        claims,
        &EncodingKey::from_secret(secret.as_bytes()),
    )
    .unwrap()
}

/// A claim's time, so many seconds from now; hours away from any limit, so that the clock does not matter.
pub(crate) fn in_seconds(seconds: i64) -> u64 {
    jsonwebtoken::get_current_timestamp()
        .checked_add_signed(seconds)
        .unwrap()
}
