//! The service's description of itself, as FastAPI makes it: `/openapi.json`, and the page `/docs`.

use serde_json::{Value, json};

/// The page: what a person sees of the document. FastAPI's own loads Swagger UI from elsewhere, which the content security policy refuses.
pub(super) const DOCS: &str = "<!DOCTYPE html>
<html lang=\"en\">
<head><meta charset=\"utf-8\"><title>AI Agents - Swagger UI</title></head>
<body><div id=\"swagger-ui\"></div><a href=\"/openapi.json\">openapi.json</a></body>
</html>
";

/// OpenAPI 3.1.
pub fn document() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": { "title": "AI Agents", "version": "1.2.0" },
        "paths": paths(),
        "components": {
            "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer" } },
            "schemas": schemas(),
        },
    })
}

fn paths() -> Value {
    let secured = json!([{ "bearer": [] }]);
    let unauthorized = json!({ "description": "Not authenticated", "content": in_json("Error") });
    let invalid =
        json!({ "description": "Validation Error", "content": in_json("ValidationError") });
    json!({
        "/health": { "get": {
            "operationId": "health", "summary": "How the service is",
            "responses": {
                "200": ok("Health"),
                "503": { "description": "Something that it needs is down", "content": in_json("Health") },
            },
        } },
        "/webhook/servicedesk": { "post": {
            "operationId": "receive_webhook", "summary": "Take an event of ServiceDesk Plus",
            "parameters": [header("X-ServiceDesk-Signature"), header("X-ServiceDesk-Timestamp")],
            "requestBody": body("WebhookEvent"),
            "responses": {
                "202": { "description": "Accepted", "content": in_json("Accepted") },
                "401": unauthorized, "422": invalid,
            },
        } },
        "/api/auth/login": { "post": {
            "operationId": "login", "summary": "Get a token",
            "requestBody": body("Credentials"),
            "responses": { "200": ok("Token"), "401": unauthorized, "422": invalid },
        } },
        "/api/auth/me": { "get": {
            "operationId": "me", "summary": "Whose token it is", "security": secured,
            "responses": { "200": ok("User"), "401": unauthorized },
        } },
        "/api/agents": {
            "get": {
                "operationId": "list_agents", "summary": "All agents", "security": secured,
                "responses": { "200": ok("AgentList"), "401": unauthorized },
            },
            "post": {
                "operationId": "create_agent", "summary": "Make an agent", "security": secured,
                "requestBody": body("NewAgent"),
                "responses": {
                    "201": { "description": "Created", "content": in_json("Agent") },
                    "401": unauthorized, "422": invalid,
                },
            },
        },
        "/api/agents/{agent_id}": { "get": {
            "operationId": "get_agent", "summary": "One agent", "security": secured,
            "parameters": [{
                "name": "agent_id", "in": "path", "required": true, "example": 1,
                "schema": { "type": "integer", "minimum": 1 },
            }],
            "responses": {
                "200": ok("Agent"), "401": unauthorized,
                "404": { "description": "Not Found", "content": in_json("Error") },
            },
        } },
        "/api/providers": { "get": {
            "operationId": "list_providers", "summary": "The providers that agents can use",
            "responses": {
                "200": ok("ProviderList"),
                "429": { "description": "Too Many Requests", "content": in_json("Error") },
            },
        } },
    })
}

fn schemas() -> Value {
    let text = json!({ "type": "string", "minLength": 1 });
    let up_or_down = json!({ "type": "string", "enum": ["healthy", "unhealthy"] });
    json!({
        "Health": object(json!({
            "status": up_or_down, "service": text, "release": text,
            "dependencies": object(json!({ "database": up_or_down, "redis": up_or_down })),
        })),
        "Credentials": object(json!({ "username": text, "password": text })),
        "Token": object(json!({ "access_token": text, "token_type": text, "expires_in": { "type": "integer", "minimum": 1 } })),
        "User": object(json!({ "username": text, "role": text })),
        "NewAgent": object(json!({ "name": text })),
        "Agent": object(json!({
            "id": { "type": "integer", "minimum": 1 }, "name": text,
            "status": { "type": "string", "enum": ["draft", "active", "suspended"] },
        })),
        "AgentList": object(json!({
            "items": { "type": "array", "items": { "$ref": "#/components/schemas/Agent" } },
            "total": { "type": "integer", "minimum": 0 },
        })),
        "ProviderList": object(json!({ "items": { "type": "array", "items": text } })),
        "WebhookEvent": object(json!({ "event": text })),
        "Accepted": object(json!({ "status": text, "event": text })),
        "Error": object(json!({ "detail": text })),
        "ValidationError": object(json!({ "detail": { "type": "array", "items": object(json!({
            "type": text, "msg": text, "loc": { "type": "array", "items": { "type": ["string", "integer"] } },
        })) } })),
    })
}

/// An object all of whose members are needed.
fn object(properties: Value) -> Value {
    let required: Vec<&String> = properties
        .as_object()
        .map(|members| members.keys().collect())
        .unwrap_or_default();
    json!({ "type": "object", "required": required, "properties": properties })
}

fn in_json(schema: &str) -> Value {
    json!({ "application/json": { "schema": { "$ref": format!("#/components/schemas/{schema}") } } })
}

fn ok(schema: &str) -> Value {
    json!({ "description": "Successful Response", "content": in_json(schema) })
}

fn header(name: &str) -> Value {
    json!({ "name": name, "in": "header", "required": true, "schema": { "type": "string" } })
}

fn body(schema: &str) -> Value {
    json!({ "required": true, "content": in_json(schema) })
}
