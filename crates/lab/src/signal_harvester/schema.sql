-- Nineteen tables, as nine migrations have left them. `:vN` lines split the text: each migration is applied and recorded by itself.
:v1
create table tweets (
  id text primary key,
  author_id text not null,
  body text not null,
  lang text,
  created_at timestamptz not null,
  fetched_at timestamptz not null default now()
);
create table cursors (
  name text primary key,
  since_id text,
  updated_at timestamptz not null default now()
);
create table scores (
  tweet_id text primary key references tweets (id) on delete cascade,
  category text not null check (category in ('outage', 'security', 'bug', 'praise', 'other')),
  score double precision not null check (score between 0 and 100),
  scored_at timestamptz not null default now()
);
:v2
create table snapshots (
  id bigint generated always as identity primary key,
  taken_at timestamptz not null default now(),
  tweet_count integer not null check (tweet_count >= 0),
  payload jsonb not null
);
:v3
create table entities (
  id bigint generated always as identity primary key,
  kind text not null check (kind in ('person', 'organisation', 'product')),
  name text not null,
  unique (kind, name)
);
create table accounts (
  id bigint generated always as identity primary key,
  entity_id bigint references entities (id) on delete set null,
  platform text not null,
  handle text not null,
  followers integer not null default 0,
  unique (platform, handle)
);
:v4
create table artifacts (
  id bigint generated always as identity primary key,
  source text not null,
  source_id text not null,
  title text not null,
  url text not null,
  published_at timestamptz,
  discovered_at timestamptz not null default now(),
  unique (source, source_id)
);
create index artifacts_published on artifacts (published_at desc);
create table artifact_classifications (
  id bigint generated always as identity primary key,
  artifact_id bigint not null references artifacts (id) on delete cascade,
  label text not null,
  confidence double precision not null check (confidence between 0 and 1)
);
create index artifact_classifications_artifact on artifact_classifications (artifact_id);
:v5
create table topics (
  id bigint generated always as identity primary key,
  name text not null unique,
  description text,
  created_at timestamptz not null default now()
);
create table artifact_topics (
  artifact_id bigint not null references artifacts (id) on delete cascade,
  topic_id bigint not null references topics (id) on delete cascade,
  weight double precision not null default 1,
  primary key (artifact_id, topic_id)
);
create index artifact_topics_topic on artifact_topics (topic_id);
create table topic_clusters (
  id bigint generated always as identity primary key,
  name text not null,
  topic_ids bigint[] not null default '{}'
);
create table topic_evolution (
  id bigint generated always as identity primary key,
  topic_id bigint not null references topics (id) on delete cascade,
  event text not null check (event in ('emerged', 'merged', 'split', 'faded')),
  happened_at timestamptz not null default now()
);
create index topic_evolution_topic on topic_evolution (topic_id, happened_at);
create table topic_similarity (
  left_id bigint not null references topics (id) on delete cascade,
  right_id bigint not null references topics (id) on delete cascade,
  similarity double precision not null check (similarity between 0 and 1),
  primary key (left_id, right_id),
  check (left_id < right_id)
);
create index topic_similarity_right on topic_similarity (right_id);
:v6
create table discovery_labels (
  id bigint generated always as identity primary key,
  artifact_id bigint not null references artifacts (id) on delete cascade,
  label text not null check (label in ('relevant', 'irrelevant', 'unsure')),
  labelled_by text not null,
  labelled_at timestamptz not null default now()
);
create index discovery_labels_artifact on discovery_labels (artifact_id);
:v7
create table experiments (
  id bigint generated always as identity primary key,
  name text not null unique,
  config jsonb not null default '{}',
  created_at timestamptz not null default now()
);
create table experiment_runs (
  id bigint generated always as identity primary key,
  experiment_id bigint not null references experiments (id) on delete cascade,
  started_at timestamptz not null default now(),
  finished_at timestamptz,
  metrics jsonb
);
create index experiment_runs_experiment on experiment_runs (experiment_id);
:v8
create table artifact_relationships (
  source_id bigint not null references artifacts (id) on delete cascade,
  target_id bigint not null references artifacts (id) on delete cascade,
  kind text not null check (kind in ('cites', 'implements', 'mentions')),
  confidence double precision not null check (confidence between 0 and 1),
  primary key (source_id, target_id, kind)
);
create index artifact_relationships_target on artifact_relationships (target_id);
:v9
create table performance_metrics (
  id bigint generated always as identity primary key,
  endpoint text not null,
  latency_ms double precision not null check (latency_ms >= 0),
  measured_at timestamptz not null default now()
);
create index performance_metrics_measured on performance_metrics (measured_at);
create unique index tweets_one_per_moment on tweets (author_id, created_at, md5(body));
