CREATE TABLE "action" ( "id" integer NOT NULL PRIMARY KEY,
  "execution_id" integer NOT NULL,
  "job_run_id" integer,
  "kind" varchar(20) NOT NULL,
  "done_by" text NOT NULL,
  "done_at" integer NOT NULL );

CREATE INDEX "action_by_done_at" ON "action" ("done_at", "id");

CREATE INDEX "action_by_execution" ON "action" ("execution_id", "id");

CREATE INDEX "action_by_job_run" ON "action" ("job_run_id", "id");

CREATE TABLE "alert" ( "id" integer NOT NULL PRIMARY KEY,
  "rule_id" integer NOT NULL,
  "event" varchar(20) NOT NULL,
  "cause" varchar(255) NOT NULL,
  "schedule_id" integer,
  "firing_id" integer,
  "execution_id" integer,
  "job_run_id" integer,
  "executor_id" integer,
  "data_source_id" integer,
  "data_date" date_text,
  "raised_at" integer NOT NULL,
  "closed_at" integer,
  "error" text,
  "lasts" boolean NOT NULL,
  "open" boolean NOT NULL ,
  "acknowledged_at" integer,
  "acknowledged_by" varchar(255),
  "escalate_at" integer,
  "escalated_id" integer,
  "escalates_id" integer,
  "over_at" integer,
  "subject" varchar(255));

CREATE INDEX "alert_by_acknowledged_at" ON "alert" ("acknowledged_at", "id");

CREATE INDEX "alert_by_closed_at" ON "alert" ("closed_at", "id");

CREATE INDEX "alert_by_execution" ON "alert" ("execution_id", "id");

CREATE INDEX "alert_by_open" ON "alert" ("open", "id");

CREATE INDEX "alert_by_raised_at" ON "alert" ("raised_at", "id");

CREATE INDEX "alert_by_rule" ON "alert" ("rule_id", "id");

CREATE INDEX "alert_by_schedule" ON "alert" ("schedule_id", "id");

CREATE TABLE "alert_channel" ( "id" integer NOT NULL PRIMARY KEY,
  "version" integer NOT NULL,
  "name" varchar(255) NOT NULL,
  "directory" text NOT NULL,
  "updated_at" integer NOT NULL,
  "search" text NOT NULL,
  "enabled" boolean NOT NULL,
  "kind" varchar(20) NOT NULL,
  "definition" text NOT NULL );

CREATE INDEX "alert_channel_by_name" ON "alert_channel" ("name", "id");

CREATE INDEX "alert_channel_by_updated_at" ON "alert_channel" ("updated_at", "id");

CREATE TABLE "alert_rule" ( "id" integer NOT NULL PRIMARY KEY,
  "version" integer NOT NULL,
  "name" varchar(255) NOT NULL,
  "directory" text NOT NULL,
  "updated_at" integer NOT NULL,
  "search" text NOT NULL,
  "enabled" boolean NOT NULL,
  "is_default" boolean NOT NULL,
  "definition" text NOT NULL );

CREATE INDEX "alert_rule_by_name" ON "alert_rule" ("name", "id");

CREATE INDEX "alert_rule_by_updated_at" ON "alert_rule" ("updated_at", "id");

CREATE TABLE "api_token" ( "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "digest" varchar(64) NOT NULL UNIQUE,
  "user_id" integer NOT NULL,
  "name" varchar(255) NOT NULL,
  "permissions" varchar(255) NOT NULL,
  "created_at" integer NOT NULL,
  "expires_at" integer,
  "used_at" integer ,
  "version" integer NOT NULL DEFAULT 1,
  "search" varchar(260),
  "updated_at" integer);

CREATE INDEX "api_token_by_user" ON "api_token" ("user_id", "id");

CREATE TABLE "attempt" ( "id" integer NOT NULL PRIMARY KEY,
  "execution_id" integer NOT NULL,
  "job_run_id" integer NOT NULL,
  "number" integer NOT NULL,
  "executor_id" integer NOT NULL,
  "slots" integer NOT NULL,
  "state" varchar(20) NOT NULL,
  "kill_asked" boolean NOT NULL,
  "dispatched_at" integer NOT NULL,
  "started_at" integer,
  "ended_at" integer,
  "pid" integer,
  "exit_code" integer,
  "signal" integer,
  "message" text NOT NULL,
  "peak_memory_bytes" integer NOT NULL,
  "cpu_time_micros" integer NOT NULL,
  "log_bytes" integer NOT NULL );

CREATE INDEX "attempt_by_job_run" ON "attempt" ("job_run_id", "number");

CREATE INDEX "attempt_by_state" ON "attempt" ("state", "execution_id");

CREATE TABLE "audit" ( "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "at" integer NOT NULL,
  "account" varchar(255) NOT NULL,
  "address" varchar(255) NOT NULL,
  "method" varchar(20) NOT NULL,
  "action" varchar(40) NOT NULL,
  "kind" varchar(40) NOT NULL,
  "object_id" integer,
  "name" text NOT NULL,
  "search" text NOT NULL,
  "before" text,
  "after" text );

CREATE INDEX "audit_by_account" ON "audit" ("account", "id");

CREATE INDEX "audit_by_action" ON "audit" ("action", "id");

CREATE INDEX "audit_by_object" ON "audit" ("kind", "object_id", "id");

CREATE INDEX "audit_by_time" ON "audit" ("at", "id");

CREATE TABLE "backfill" ( "id" integer NOT NULL PRIMARY KEY,
  "state" varchar(20) NOT NULL,
  "flow_id" integer NOT NULL,
  "downstream" boolean NOT NULL,
  "from_date" date_text NOT NULL,
  "to_date" date_text NOT NULL,
  "parallel" integer NOT NULL,
  "params" text NOT NULL,
  "started_by" text NOT NULL,
  "started_at" integer NOT NULL,
  "ended_at" integer,
  "stopped_by" text,
  "restarted_by" text,
  "restarts" integer NOT NULL ,
  "start_key" varchar(255),
  "start_print" integer,
  "date_format" varchar(255));

CREATE INDEX "backfill_by_flow" ON "backfill" ("flow_id", "id");

CREATE INDEX "backfill_by_start_key" ON "backfill" ("start_key");

CREATE INDEX "backfill_by_state" ON "backfill" ("state", "id");

CREATE TABLE "backfill_date" ( "backfill_id" integer NOT NULL,
  "data_date" date_text NOT NULL,
  "state" varchar(20) NOT NULL,
  "execution_id" integer,
  PRIMARY KEY ("backfill_id", "data_date") );

CREATE TABLE "calendar" ( "id" integer NOT NULL PRIMARY KEY,
  "version" integer NOT NULL,
  "name" varchar(255) NOT NULL,
  "directory" text NOT NULL,
  "updated_at" integer NOT NULL,
  "search" text NOT NULL,
  "definition" text NOT NULL );

CREATE INDEX "calendar_by_name" ON "calendar" ("name", "id");

CREATE INDEX "calendar_by_updated_at" ON "calendar" ("updated_at", "id");

CREATE TABLE "data_source" ( "id" integer NOT NULL PRIMARY KEY,
  "version" integer NOT NULL,
  "name" varchar(255) NOT NULL,
  "directory" text NOT NULL,
  "updated_at" integer NOT NULL,
  "search" text NOT NULL,
  "kind" varchar(20) NOT NULL,
  "definition" text NOT NULL );

CREATE INDEX "data_source_by_name" ON "data_source" ("name", "id");

CREATE INDEX "data_source_by_updated_at" ON "data_source" ("updated_at", "id");

CREATE TABLE "execution" ( "id" integer NOT NULL PRIMARY KEY,
  "state" varchar(20) NOT NULL,
  "trigger_kind" varchar(20) NOT NULL,
  "data_date" date_text NOT NULL,
  "params" text NOT NULL,
  "started_by" text NOT NULL,
  "started_at" integer NOT NULL,
  "ended_at" integer,
  "stopped_by" text,
  "resumed_by" text,
  "resumes" integer NOT NULL ,
  "schedule_id" integer,
  "fire_time" integer,
  "backfill_id" integer,
  "paused_by" text,
  "partial" boolean NOT NULL DEFAULT FALSE,
  "loaded_in" integer,
  "start_key" varchar(255),
  "start_print" integer,
  "date_format" varchar(255));

CREATE INDEX "execution_by_backfill" ON "execution" ("backfill_id", "id");

CREATE INDEX "execution_by_data_date" ON "execution" ("data_date", "id");

CREATE INDEX "execution_by_ended_at" ON "execution" ("ended_at", "id");

CREATE INDEX "execution_by_schedule" ON "execution" ("schedule_id", "id");

CREATE INDEX "execution_by_start_key" ON "execution" ("start_key");

CREATE INDEX "execution_by_started_at" ON "execution" ("started_at", "state", "ended_at");

CREATE INDEX "execution_by_state" ON "execution" ("state", "id");

CREATE INDEX "execution_by_state_of_date" ON "execution" ("data_date", "state", "id");

CREATE TABLE "execution_end" ( "execution_id" integer NOT NULL,
  "resumes" integer NOT NULL,
  "position" integer NOT NULL,
  "state" varchar(20) NOT NULL,
  "ended_at" integer NOT NULL,
  "next_id" integer NOT NULL,
  PRIMARY KEY ("execution_id", "resumes") );

CREATE INDEX "execution_end_by_position" ON "execution_end" ("position", "execution_id");

CREATE TABLE "executor" ( "id" integer NOT NULL PRIMARY KEY,
  "version" integer NOT NULL,
  "name" varchar(255) NOT NULL,
  "enabled" boolean NOT NULL,
  "updated_at" integer NOT NULL,
  "search" text NOT NULL,
  "definition" text NOT NULL );

CREATE INDEX "executor_by_name" ON "executor" ("name", "id");

CREATE INDEX "executor_by_updated_at" ON "executor" ("updated_at", "id");

CREATE TABLE "file_arrival" ( "file_event_id" integer NOT NULL,
  "file_key" varchar(255) NOT NULL,
  "arrived_at" integer NOT NULL,
  PRIMARY KEY ("file_event_id", "file_key") );

CREATE TABLE "file_event" ( "id" integer NOT NULL PRIMARY KEY,
  "version" integer NOT NULL,
  "name" varchar(255) NOT NULL,
  "directory" text NOT NULL,
  "updated_at" integer NOT NULL,
  "search" text NOT NULL,
  "enabled" boolean NOT NULL,
  "server_id" integer NOT NULL,
  "definition" text NOT NULL );

CREATE INDEX "file_event_by_name" ON "file_event" ("name", "id");

CREATE INDEX "file_event_by_server" ON "file_event" ("server_id", "id");

CREATE INDEX "file_event_by_updated_at" ON "file_event" ("updated_at", "id");

CREATE TABLE "file_server" ( "id" integer NOT NULL PRIMARY KEY,
  "version" integer NOT NULL,
  "name" varchar(255) NOT NULL,
  "directory" text NOT NULL,
  "updated_at" integer NOT NULL,
  "search" text NOT NULL,
  "kind" varchar(20) NOT NULL,
  "definition" text NOT NULL );

CREATE INDEX "file_server_by_name" ON "file_server" ("name", "id");

CREATE INDEX "file_server_by_updated_at" ON "file_server" ("updated_at", "id");

CREATE TABLE "firing" ( "id" integer NOT NULL PRIMARY KEY,
  "schedule_id" integer NOT NULL,
  "from_time" integer NOT NULL,
  "to_time" integer NOT NULL,
  "first_date" date_text NOT NULL,
  "data_date" date_text NOT NULL,
  "file" text,
  "taken_up_at" integer NOT NULL,
  "outcome" varchar(20) NOT NULL,
  "execution_id" integer,
  "skip_reason" varchar(20),
  "start_by" integer,
  "start_by_state" varchar(20),
  "finish_by" integer,
  "finish_by_state" varchar(20),
  "open" boolean NOT NULL );

CREATE INDEX "firing_by_open" ON "firing" ("open", "id");

CREATE INDEX "firing_by_outcome" ON "firing" ("outcome", "id");

CREATE INDEX "firing_by_schedule" ON "firing" ("schedule_id", "id");

CREATE INDEX "firing_by_taken_up_at" ON "firing" ("taken_up_at", "id");

CREATE TABLE "flow" ( "id" integer NOT NULL PRIMARY KEY,
  "version" integer NOT NULL,
  "name" varchar(255) NOT NULL,
  "directory" text NOT NULL,
  "enabled" boolean NOT NULL,
  "updated_at" integer NOT NULL,
  "search" text NOT NULL,
  "data_date" date_text );

CREATE INDEX "flow_by_name" ON "flow" ("name", "id");

CREATE INDEX "flow_by_updated_at" ON "flow" ("updated_at", "id");

CREATE TABLE "flow_date_range" ( "flow_id" integer NOT NULL,
  "from_date" date_text NOT NULL,
  "to_date" date_text NOT NULL,
  PRIMARY KEY ("flow_id", "from_date") );

CREATE TABLE "flow_parent" ( "flow_id" integer NOT NULL,
  "parent_id" integer NOT NULL,
  PRIMARY KEY ("flow_id", "parent_id") );

CREATE INDEX "flow_parent_by_parent" ON "flow_parent" ("parent_id", "flow_id");

CREATE TABLE "flow_run" ( "id" integer NOT NULL PRIMARY KEY,
  "execution_id" integer NOT NULL,
  "flow_id" integer NOT NULL,
  "flow_version" integer NOT NULL,
  "state" varchar(20) NOT NULL,
  "started_at" integer,
  "ended_at" integer ,
  "joined_to" integer,
  "restarts" integer NOT NULL DEFAULT 0,
  "restart_at" integer,
  "timed_out" boolean NOT NULL DEFAULT FALSE);

CREATE INDEX "flow_run_by_execution" ON "flow_run" ("execution_id", "id");

CREATE INDEX "flow_run_by_flow" ON "flow_run" ("flow_id", "execution_id");

CREATE TABLE "flow_version" ( "flow_id" integer NOT NULL,
  "version" integer NOT NULL,
  "name" varchar(255) NOT NULL,
  "definition" text NOT NULL,
  PRIMARY KEY ("flow_id", "version") );

CREATE TABLE "job" ( "id" integer NOT NULL PRIMARY KEY,
  "flow_id" integer NOT NULL,
  "version" integer NOT NULL,
  "name" varchar(255) NOT NULL,
  "enabled" boolean NOT NULL,
  "updated_at" integer NOT NULL,
  "search" text NOT NULL ,
  "kind" varchar(16) NOT NULL DEFAULT 'shell',
  "data_source_id" integer);

CREATE INDEX "job_by_flow" ON "job" ("flow_id", "id");

CREATE INDEX "job_by_name" ON "job" ("name", "id");

CREATE INDEX "job_by_updated_at" ON "job" ("updated_at", "id");

CREATE TABLE "job_dependency" ( "job_id" integer NOT NULL,
  "depends_on_id" integer NOT NULL,
  "offset_days" integer NOT NULL,
  "condition" varchar(20) NOT NULL,
  "wait_limit_micros" integer,
  PRIMARY KEY ("job_id", "depends_on_id", "offset_days") );

CREATE INDEX "job_dependency_by_depends_on" ON "job_dependency" ("depends_on_id", "job_id");

CREATE TABLE "job_outcome" ( "job_id" integer NOT NULL,
  "data_date" date_text NOT NULL,
  "state" varchar(20) NOT NULL,
  PRIMARY KEY ("job_id", "data_date") );

CREATE TABLE "job_output" ( "job_run_id" integer NOT NULL,
  "name" varchar(255) NOT NULL,
  "execution_id" integer NOT NULL,
  "attempt" integer NOT NULL,
  "value" text NOT NULL,
  PRIMARY KEY ("job_run_id", "name") );

CREATE INDEX "job_output_by_execution" ON "job_output" ("execution_id");

CREATE TABLE "job_run" ( "id" integer NOT NULL PRIMARY KEY,
  "execution_id" integer NOT NULL,
  "flow_run_id" integer NOT NULL,
  "job_id" integer NOT NULL,
  "job_version" integer NOT NULL,
  "state" varchar(20) NOT NULL,
  "attempt" integer NOT NULL,
  "attempts_before" integer NOT NULL,
  "queued_at" integer,
  "started_at" integer,
  "ended_at" integer,
  "exit_code" integer,
  "retry_at" integer ,
  "left_out" boolean NOT NULL DEFAULT FALSE,
  "met_outside" integer NOT NULL DEFAULT 0);

CREATE INDEX "job_run_by_execution" ON "job_run" ("execution_id", "id");

CREATE INDEX "job_run_by_flow_run" ON "job_run" ("flow_run_id", "id");

CREATE INDEX "job_run_by_job" ON "job_run" ("job_id", "id");

CREATE INDEX "job_run_by_state" ON "job_run" ("state", "id");

CREATE INDEX "job_run_counts" ON "job_run" ("execution_id", "flow_run_id", "state");

CREATE TABLE "job_version" ( "job_id" integer NOT NULL,
  "version" integer NOT NULL,
  "name" varchar(255) NOT NULL,
  "definition" text NOT NULL,
  PRIMARY KEY ("job_id", "version") );

CREATE TABLE "leader" ( "id" integer NOT NULL PRIMARY KEY,
  "realm" varchar(255) NOT NULL,
  "fence" integer NOT NULL,
  "holder" text,
  "expires_at" integer,
  "next_id" integer NOT NULL ,
  "commits" integer NOT NULL DEFAULT 0);

CREATE TABLE "pool" ( "id" integer NOT NULL PRIMARY KEY,
  "version" integer NOT NULL,
  "name" varchar(255) NOT NULL,
  "directory" text NOT NULL,
  "updated_at" integer NOT NULL,
  "search" text NOT NULL,
  "slots" integer NOT NULL,
  "definition" text NOT NULL );

CREATE INDEX "pool_by_name" ON "pool" ("name", "id");

CREATE INDEX "pool_by_updated_at" ON "pool" ("updated_at", "id");

CREATE TABLE "pruned_execution" ( "execution_id" integer NOT NULL PRIMARY KEY );

CREATE TABLE "report_mark" ( "name" varchar(255) NOT NULL PRIMARY KEY,
  "position" integer NOT NULL );

CREATE TABLE "role" ( "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "name" varchar(255) NOT NULL UNIQUE,
  "description" text NOT NULL,
  "search" text NOT NULL,
  "permissions" varchar(255) NOT NULL,
  "directories" text NOT NULL,
  "version" integer NOT NULL,
  "created_at" integer NOT NULL,
  "updated_at" integer NOT NULL );

CREATE TABLE "schedule" ( "id" integer NOT NULL PRIMARY KEY,
  "version" integer NOT NULL,
  "name" varchar(255) NOT NULL,
  "directory" text NOT NULL,
  "updated_at" integer NOT NULL,
  "search" text NOT NULL,
  "flow_id" integer NOT NULL,
  "trigger_kind" varchar(20) NOT NULL,
  "paused" boolean NOT NULL,
  "calendar_id" integer,
  "definition" text NOT NULL );

CREATE INDEX "schedule_by_calendar" ON "schedule" ("calendar_id", "id");

CREATE INDEX "schedule_by_flow" ON "schedule" ("flow_id", "id");

CREATE INDEX "schedule_by_name" ON "schedule" ("name", "id");

CREATE INDEX "schedule_by_updated_at" ON "schedule" ("updated_at", "id");

CREATE TABLE "schedule_cursor" ( "schedule_id" integer NOT NULL PRIMARY KEY,
  "time" integer NOT NULL,
  "data_date" date_text,
  "last_firing_id" integer );

CREATE TABLE "schema_migration" ( "version" varchar NOT NULL PRIMARY KEY,
  "applied_at" integer NOT NULL );

CREATE TABLE "server" ( "instance" varchar(255) NOT NULL PRIMARY KEY,
  "boot" varchar(255) NOT NULL,
  "url" text,
  "version" varchar(255) NOT NULL,
  "executor_inside" boolean NOT NULL,
  "started_at" integer NOT NULL,
  "seen_at" integer NOT NULL );

CREATE TABLE "shared_param" ( "id" integer NOT NULL PRIMARY KEY,
  "version" integer NOT NULL,
  "name" varchar(255) NOT NULL,
  "directory" text NOT NULL,
  "updated_at" integer NOT NULL,
  "search" text NOT NULL,
  "kind" varchar(20) NOT NULL,
  "data_source_id" integer,
  "definition" text NOT NULL );

CREATE INDEX "shared_param_by_data_source" ON "shared_param" ("data_source_id", "id");

CREATE INDEX "shared_param_by_name" ON "shared_param" ("name", "id");

CREATE INDEX "shared_param_by_updated_at" ON "shared_param" ("updated_at", "id");

CREATE TABLE "sign_in" ( "digest" varchar(64) NOT NULL PRIMARY KEY,
  "kept" text NOT NULL,
  "ends_at" integer NOT NULL );

CREATE INDEX "sign_in_by_end" ON "sign_in" ("ends_at");

CREATE TABLE sqlite_sequence(name,
 seq);

CREATE TABLE "user" ( "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "account" varchar(255) NOT NULL UNIQUE,
  "name" varchar(255) NOT NULL,
  "search" text NOT NULL,
  "enabled" boolean NOT NULL,
  "password_hash" varchar(255),
  "must_change_password" boolean NOT NULL,
  "version" integer NOT NULL,
  "created_at" integer NOT NULL,
  "updated_at" integer NOT NULL,
  "signed_in_at" integer ,
  "origin" varchar(20) NOT NULL DEFAULT 'local',
  "subject" varchar(255));

CREATE UNIQUE INDEX "user_by_subject" ON "user" ("origin", "subject");

CREATE TABLE "user_role" ( "user_id" integer NOT NULL,
  "role_id" integer NOT NULL,
  PRIMARY KEY ("user_id", "role_id") );

CREATE INDEX "user_role_by_role" ON "user_role" ("role_id");

CREATE TABLE "user_session" ( "digest" varchar(64) NOT NULL PRIMARY KEY,
  "user_id" integer NOT NULL,
  "started_at" integer NOT NULL,
  "seen_at" integer NOT NULL,
  "ends_at" integer NOT NULL );

CREATE INDEX "user_session_by_end" ON "user_session" ("ends_at");

CREATE INDEX "user_session_by_user" ON "user_session" ("user_id");

CREATE TABLE "webhook" ( "id" integer NOT NULL PRIMARY KEY,
  "version" integer NOT NULL,
  "name" varchar(255) NOT NULL,
  "directory" text NOT NULL,
  "updated_at" integer NOT NULL,
  "search" text NOT NULL,
  "enabled" boolean NOT NULL,
  "definition" text NOT NULL );

CREATE INDEX "webhook_by_name" ON "webhook" ("name", "id");

CREATE INDEX "webhook_by_updated_at" ON "webhook" ("updated_at", "id");

CREATE TABLE "webhook_delivery" ( "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "digest" varchar(64) NOT NULL UNIQUE,
  "webhook_id" integer NOT NULL,
  "name" varchar(255) NOT NULL,
  "first_at" integer NOT NULL,
  "at" integer NOT NULL,
  "tries" integer NOT NULL,
  "address" varchar(255) NOT NULL,
  "outcome" varchar(20) NOT NULL,
  "reason" text NOT NULL,
  "execution_id" integer,
  "data_date" date_text,
  "body" text NOT NULL,
  "body_bytes" integer NOT NULL );

CREATE INDEX "webhook_delivery_by_webhook" ON "webhook_delivery" ("webhook_id", "id");

