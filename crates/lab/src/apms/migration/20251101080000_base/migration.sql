-- What was there before: workspaces, whose ids are UUIDs, and users, whose ids are text.
create extension pgcrypto;

create table workspaces (
  id uuid primary key default gen_random_uuid(),
  name text not null unique,
  status text not null default 'ACTIVE',
  created_at timestamptz not null default now()
);

create table users (
  id text primary key default gen_random_uuid()::text,
  email text not null unique,
  full_name text not null,
  status text not null default 'ACTIVE',
  created_at timestamptz not null default now()
);
