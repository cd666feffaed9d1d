CREATE TABLE `action` (
  `id` bigint NOT NULL,
  `execution_id` bigint NOT NULL,
  `job_run_id` bigint DEFAULT NULL,
  `kind` varchar(20) NOT NULL,
  `done_by` longtext NOT NULL,
  `done_at` bigint NOT NULL,
  PRIMARY KEY (`id`),
  KEY `action_by_execution` (`execution_id`,`id`),
  KEY `action_by_job_run` (`job_run_id`,`id`),
  KEY `action_by_done_at` (`done_at`,`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `alert` (
  `id` bigint NOT NULL,
  `rule_id` bigint NOT NULL,
  `event` varchar(20) NOT NULL,
  `cause` varchar(255) NOT NULL,
  `schedule_id` bigint DEFAULT NULL,
  `firing_id` bigint DEFAULT NULL,
  `execution_id` bigint DEFAULT NULL,
  `job_run_id` bigint DEFAULT NULL,
  `executor_id` bigint DEFAULT NULL,
  `data_source_id` bigint DEFAULT NULL,
  `data_date` date DEFAULT NULL,
  `raised_at` bigint NOT NULL,
  `closed_at` bigint DEFAULT NULL,
  `error` longtext DEFAULT NULL,
  `lasts` tinyint(1) NOT NULL,
  `open` tinyint(1) NOT NULL,
  `acknowledged_at` bigint DEFAULT NULL,
  `acknowledged_by` varchar(255) DEFAULT NULL,
  `escalate_at` bigint DEFAULT NULL,
  `escalated_id` bigint DEFAULT NULL,
  `escalates_id` bigint DEFAULT NULL,
  `over_at` bigint DEFAULT NULL,
  `subject` varchar(255) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `alert_by_rule` (`rule_id`,`id`),
  KEY `alert_by_schedule` (`schedule_id`,`id`),
  KEY `alert_by_execution` (`execution_id`,`id`),
  KEY `alert_by_open` (`open`,`id`),
  KEY `alert_by_raised_at` (`raised_at`,`id`),
  KEY `alert_by_closed_at` (`closed_at`,`id`),
  KEY `alert_by_acknowledged_at` (`acknowledged_at`,`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `alert_channel` (
  `id` bigint NOT NULL,
  `version` bigint NOT NULL,
  `name` varchar(255) NOT NULL,
  `directory` longtext NOT NULL,
  `updated_at` bigint NOT NULL,
  `search` longtext NOT NULL,
  `enabled` tinyint(1) NOT NULL,
  `kind` varchar(20) NOT NULL,
  `definition` longtext NOT NULL,
  PRIMARY KEY (`id`),
  KEY `alert_channel_by_name` (`name`,`id`),
  KEY `alert_channel_by_updated_at` (`updated_at`,`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `alert_rule` (
  `id` bigint NOT NULL,
  `version` bigint NOT NULL,
  `name` varchar(255) NOT NULL,
  `directory` longtext NOT NULL,
  `updated_at` bigint NOT NULL,
  `search` longtext NOT NULL,
  `enabled` tinyint(1) NOT NULL,
  `is_default` tinyint(1) NOT NULL,
  `definition` longtext NOT NULL,
  PRIMARY KEY (`id`),
  KEY `alert_rule_by_name` (`name`,`id`),
  KEY `alert_rule_by_updated_at` (`updated_at`,`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `api_token` (
  `id` bigint NOT NULL AUTO_INCREMENT,
  `digest` varchar(64) NOT NULL,
  `user_id` bigint NOT NULL,
  `name` varchar(255) NOT NULL,
  `permissions` varchar(255) NOT NULL,
  `created_at` bigint NOT NULL,
  `expires_at` bigint DEFAULT NULL,
  `used_at` bigint DEFAULT NULL,
  `version` bigint NOT NULL DEFAULT 1,
  `search` varchar(260) DEFAULT NULL,
  `updated_at` bigint DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `digest` (`digest`),
  KEY `api_token_by_user` (`user_id`,`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `attempt` (
  `id` bigint NOT NULL,
  `execution_id` bigint NOT NULL,
  `job_run_id` bigint NOT NULL,
  `number` bigint NOT NULL,
  `executor_id` bigint NOT NULL,
  `slots` bigint NOT NULL,
  `state` varchar(20) NOT NULL,
  `kill_asked` tinyint(1) NOT NULL,
  `dispatched_at` bigint NOT NULL,
  `started_at` bigint DEFAULT NULL,
  `ended_at` bigint DEFAULT NULL,
  `pid` bigint DEFAULT NULL,
  `exit_code` int DEFAULT NULL,
  `signal` int DEFAULT NULL,
  `message` longtext NOT NULL,
  `peak_memory_bytes` bigint NOT NULL,
  `cpu_time_micros` bigint NOT NULL,
  `log_bytes` bigint NOT NULL,
  PRIMARY KEY (`id`),
  KEY `attempt_by_job_run` (`job_run_id`,`number`),
  KEY `attempt_by_state` (`state`,`execution_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `audit` (
  `id` bigint NOT NULL AUTO_INCREMENT,
  `at` bigint NOT NULL,
  `account` varchar(255) NOT NULL,
  `address` varchar(255) NOT NULL,
  `method` varchar(20) NOT NULL,
  `action` varchar(40) NOT NULL,
  `kind` varchar(40) NOT NULL,
  `object_id` bigint DEFAULT NULL,
  `name` longtext NOT NULL,
  `search` longtext NOT NULL,
  `before` longtext DEFAULT NULL,
  `after` longtext DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `audit_by_time` (`at`,`id`),
  KEY `audit_by_account` (`account`,`id`),
  KEY `audit_by_action` (`action`,`id`),
  KEY `audit_by_object` (`kind`,`object_id`,`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `backfill` (
  `id` bigint NOT NULL,
  `state` varchar(20) NOT NULL,
  `flow_id` bigint NOT NULL,
  `downstream` tinyint(1) NOT NULL,
  `from_date` date NOT NULL,
  `to_date` date NOT NULL,
  `parallel` bigint NOT NULL,
  `params` longtext NOT NULL,
  `started_by` longtext NOT NULL,
  `started_at` bigint NOT NULL,
  `ended_at` bigint DEFAULT NULL,
  `stopped_by` longtext DEFAULT NULL,
  `restarted_by` longtext DEFAULT NULL,
  `restarts` bigint NOT NULL,
  `start_key` varchar(255) DEFAULT NULL,
  `start_print` bigint DEFAULT NULL,
  `date_format` varchar(255) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `backfill_by_state` (`state`,`id`),
  KEY `backfill_by_flow` (`flow_id`,`id`),
  KEY `backfill_by_start_key` (`start_key`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `backfill_date` (
  `backfill_id` bigint NOT NULL,
  `data_date` date NOT NULL,
  `state` varchar(20) NOT NULL,
  `execution_id` bigint DEFAULT NULL,
  PRIMARY KEY (`backfill_id`,`data_date`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `calendar` (
  `id` bigint NOT NULL,
  `version` bigint NOT NULL,
  `name` varchar(255) NOT NULL,
  `directory` longtext NOT NULL,
  `updated_at` bigint NOT NULL,
  `search` longtext NOT NULL,
  `definition` longtext NOT NULL,
  PRIMARY KEY (`id`),
  KEY `calendar_by_name` (`name`,`id`),
  KEY `calendar_by_updated_at` (`updated_at`,`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `data_source` (
  `id` bigint NOT NULL,
  `version` bigint NOT NULL,
  `name` varchar(255) NOT NULL,
  `directory` longtext NOT NULL,
  `updated_at` bigint NOT NULL,
  `search` longtext NOT NULL,
  `kind` varchar(20) NOT NULL,
  `definition` longtext NOT NULL,
  PRIMARY KEY (`id`),
  KEY `data_source_by_name` (`name`,`id`),
  KEY `data_source_by_updated_at` (`updated_at`,`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `execution` (
  `id` bigint NOT NULL,
  `state` varchar(20) NOT NULL,
  `trigger_kind` varchar(20) NOT NULL,
  `data_date` date NOT NULL,
  `params` longtext NOT NULL,
  `started_by` longtext NOT NULL,
  `started_at` bigint NOT NULL,
  `ended_at` bigint DEFAULT NULL,
  `stopped_by` longtext DEFAULT NULL,
  `resumed_by` longtext DEFAULT NULL,
  `resumes` bigint NOT NULL,
  `schedule_id` bigint DEFAULT NULL,
  `fire_time` bigint DEFAULT NULL,
  `backfill_id` bigint DEFAULT NULL,
  `paused_by` longtext DEFAULT NULL,
  `partial` tinyint(1) NOT NULL DEFAULT 0,
  `loaded_in` bigint DEFAULT NULL,
  `start_key` varchar(255) DEFAULT NULL,
  `start_print` bigint DEFAULT NULL,
  `date_format` varchar(255) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `execution_by_state` (`state`,`id`),
  KEY `execution_by_data_date` (`data_date`,`id`),
  KEY `execution_by_schedule` (`schedule_id`,`id`),
  KEY `execution_by_backfill` (`backfill_id`,`id`),
  KEY `execution_by_ended_at` (`ended_at`,`id`),
  KEY `execution_by_start_key` (`start_key`),
  KEY `execution_by_state_of_date` (`data_date`,`state`,`id`),
  KEY `execution_by_started_at` (`started_at`,`state`,`ended_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `execution_end` (
  `execution_id` bigint NOT NULL,
  `resumes` bigint NOT NULL,
  `position` bigint NOT NULL,
  `state` varchar(20) NOT NULL,
  `ended_at` bigint NOT NULL,
  `next_id` bigint NOT NULL,
  PRIMARY KEY (`execution_id`,`resumes`),
  KEY `execution_end_by_position` (`position`,`execution_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `executor` (
  `id` bigint NOT NULL,
  `version` bigint NOT NULL,
  `name` varchar(255) NOT NULL,
  `enabled` tinyint(1) NOT NULL,
  `updated_at` bigint NOT NULL,
  `search` longtext NOT NULL,
  `definition` longtext NOT NULL,
  PRIMARY KEY (`id`),
  KEY `executor_by_name` (`name`,`id`),
  KEY `executor_by_updated_at` (`updated_at`,`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `file_arrival` (
  `file_event_id` bigint NOT NULL,
  `file_key` varchar(255) NOT NULL,
  `arrived_at` bigint NOT NULL,
  PRIMARY KEY (`file_event_id`,`file_key`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `file_event` (
  `id` bigint NOT NULL,
  `version` bigint NOT NULL,
  `name` varchar(255) NOT NULL,
  `directory` longtext NOT NULL,
  `updated_at` bigint NOT NULL,
  `search` longtext NOT NULL,
  `enabled` tinyint(1) NOT NULL,
  `server_id` bigint NOT NULL,
  `definition` longtext NOT NULL,
  PRIMARY KEY (`id`),
  KEY `file_event_by_name` (`name`,`id`),
  KEY `file_event_by_updated_at` (`updated_at`,`id`),
  KEY `file_event_by_server` (`server_id`,`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `file_server` (
  `id` bigint NOT NULL,
  `version` bigint NOT NULL,
  `name` varchar(255) NOT NULL,
  `directory` longtext NOT NULL,
  `updated_at` bigint NOT NULL,
  `search` longtext NOT NULL,
  `kind` varchar(20) NOT NULL,
  `definition` longtext NOT NULL,
  PRIMARY KEY (`id`),
  KEY `file_server_by_name` (`name`,`id`),
  KEY `file_server_by_updated_at` (`updated_at`,`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `firing` (
  `id` bigint NOT NULL,
  `schedule_id` bigint NOT NULL,
  `from_time` bigint NOT NULL,
  `to_time` bigint NOT NULL,
  `first_date` date NOT NULL,
  `data_date` date NOT NULL,
  `file` longtext DEFAULT NULL,
  `taken_up_at` bigint NOT NULL,
  `outcome` varchar(20) NOT NULL,
  `execution_id` bigint DEFAULT NULL,
  `skip_reason` varchar(20) DEFAULT NULL,
  `start_by` bigint DEFAULT NULL,
  `start_by_state` varchar(20) DEFAULT NULL,
  `finish_by` bigint DEFAULT NULL,
  `finish_by_state` varchar(20) DEFAULT NULL,
  `open` tinyint(1) NOT NULL,
  PRIMARY KEY (`id`),
  KEY `firing_by_schedule` (`schedule_id`,`id`),
  KEY `firing_by_open` (`open`,`id`),
  KEY `firing_by_taken_up_at` (`taken_up_at`,`id`),
  KEY `firing_by_outcome` (`outcome`,`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `flow` (
  `id` bigint NOT NULL,
  `version` bigint NOT NULL,
  `name` varchar(255) NOT NULL,
  `directory` longtext NOT NULL,
  `enabled` tinyint(1) NOT NULL,
  `updated_at` bigint NOT NULL,
  `search` longtext NOT NULL,
  `data_date` date DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `flow_by_name` (`name`,`id`),
  KEY `flow_by_updated_at` (`updated_at`,`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `flow_date_range` (
  `flow_id` bigint NOT NULL,
  `from_date` date NOT NULL,
  `to_date` date NOT NULL,
  PRIMARY KEY (`flow_id`,`from_date`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `flow_parent` (
  `flow_id` bigint NOT NULL,
  `parent_id` bigint NOT NULL,
  PRIMARY KEY (`flow_id`,`parent_id`),
  KEY `flow_parent_by_parent` (`parent_id`,`flow_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `flow_run` (
  `id` bigint NOT NULL,
  `execution_id` bigint NOT NULL,
  `flow_id` bigint NOT NULL,
  `flow_version` bigint NOT NULL,
  `state` varchar(20) NOT NULL,
  `started_at` bigint DEFAULT NULL,
  `ended_at` bigint DEFAULT NULL,
  `joined_to` bigint DEFAULT NULL,
  `restarts` bigint NOT NULL DEFAULT 0,
  `restart_at` bigint DEFAULT NULL,
  `timed_out` tinyint(1) NOT NULL DEFAULT 0,
  PRIMARY KEY (`id`),
  KEY `flow_run_by_execution` (`execution_id`,`id`),
  KEY `flow_run_by_flow` (`flow_id`,`execution_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `flow_version` (
  `flow_id` bigint NOT NULL,
  `version` bigint NOT NULL,
  `name` varchar(255) NOT NULL,
  `definition` longtext NOT NULL,
  PRIMARY KEY (`flow_id`,`version`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `job` (
  `id` bigint NOT NULL,
  `flow_id` bigint NOT NULL,
  `version` bigint NOT NULL,
  `name` varchar(255) NOT NULL,
  `enabled` tinyint(1) NOT NULL,
  `updated_at` bigint NOT NULL,
  `search` longtext NOT NULL,
  `kind` varchar(16) NOT NULL DEFAULT 'shell',
  `data_source_id` bigint DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `job_by_flow` (`flow_id`,`id`),
  KEY `job_by_name` (`name`,`id`),
  KEY `job_by_updated_at` (`updated_at`,`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `job_dependency` (
  `job_id` bigint NOT NULL,
  `depends_on_id` bigint NOT NULL,
  `offset_days` bigint NOT NULL,
  `condition` varchar(20) NOT NULL,
  `wait_limit_micros` bigint DEFAULT NULL,
  PRIMARY KEY (`job_id`,`depends_on_id`,`offset_days`),
  KEY `job_dependency_by_depends_on` (`depends_on_id`,`job_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `job_outcome` (
  `job_id` bigint NOT NULL,
  `data_date` date NOT NULL,
  `state` varchar(20) NOT NULL,
  PRIMARY KEY (`job_id`,`data_date`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `job_output` (
  `job_run_id` bigint NOT NULL,
  `name` varchar(255) NOT NULL,
  `execution_id` bigint NOT NULL,
  `attempt` bigint NOT NULL,
  `value` longtext NOT NULL,
  PRIMARY KEY (`job_run_id`,`name`),
  KEY `job_output_by_execution` (`execution_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `job_run` (
  `id` bigint NOT NULL,
  `execution_id` bigint NOT NULL,
  `flow_run_id` bigint NOT NULL,
  `job_id` bigint NOT NULL,
  `job_version` bigint NOT NULL,
  `state` varchar(20) NOT NULL,
  `attempt` bigint NOT NULL,
  `attempts_before` bigint NOT NULL,
  `queued_at` bigint DEFAULT NULL,
  `started_at` bigint DEFAULT NULL,
  `ended_at` bigint DEFAULT NULL,
  `exit_code` int DEFAULT NULL,
  `retry_at` bigint DEFAULT NULL,
  `left_out` tinyint(1) NOT NULL DEFAULT 0,
  `met_outside` bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (`id`),
  KEY `job_run_by_execution` (`execution_id`,`id`),
  KEY `job_run_by_flow_run` (`flow_run_id`,`id`),
  KEY `job_run_by_job` (`job_id`,`id`),
  KEY `job_run_counts` (`execution_id`,`flow_run_id`,`state`),
  KEY `job_run_by_state` (`state`,`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `job_version` (
  `job_id` bigint NOT NULL,
  `version` bigint NOT NULL,
  `name` varchar(255) NOT NULL,
  `definition` longtext NOT NULL,
  PRIMARY KEY (`job_id`,`version`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `leader` (
  `id` bigint NOT NULL,
  `realm` varchar(255) NOT NULL,
  `fence` bigint NOT NULL,
  `holder` longtext DEFAULT NULL,
  `expires_at` bigint DEFAULT NULL,
  `next_id` bigint NOT NULL,
  `commits` bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `pool` (
  `id` bigint NOT NULL,
  `version` bigint NOT NULL,
  `name` varchar(255) NOT NULL,
  `directory` longtext NOT NULL,
  `updated_at` bigint NOT NULL,
  `search` longtext NOT NULL,
  `slots` bigint NOT NULL,
  `definition` longtext NOT NULL,
  PRIMARY KEY (`id`),
  KEY `pool_by_name` (`name`,`id`),
  KEY `pool_by_updated_at` (`updated_at`,`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `pruned_execution` (
  `execution_id` bigint NOT NULL,
  PRIMARY KEY (`execution_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `report_mark` (
  `name` varchar(255) NOT NULL,
  `position` bigint NOT NULL,
  PRIMARY KEY (`name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `role` (
  `id` bigint NOT NULL AUTO_INCREMENT,
  `name` varchar(255) NOT NULL,
  `description` longtext NOT NULL,
  `search` longtext NOT NULL,
  `permissions` varchar(255) NOT NULL,
  `directories` longtext NOT NULL,
  `version` bigint NOT NULL,
  `created_at` bigint NOT NULL,
  `updated_at` bigint NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `name` (`name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `schedule` (
  `id` bigint NOT NULL,
  `version` bigint NOT NULL,
  `name` varchar(255) NOT NULL,
  `directory` longtext NOT NULL,
  `updated_at` bigint NOT NULL,
  `search` longtext NOT NULL,
  `flow_id` bigint NOT NULL,
  `trigger_kind` varchar(20) NOT NULL,
  `paused` tinyint(1) NOT NULL,
  `calendar_id` bigint DEFAULT NULL,
  `definition` longtext NOT NULL,
  PRIMARY KEY (`id`),
  KEY `schedule_by_name` (`name`,`id`),
  KEY `schedule_by_updated_at` (`updated_at`,`id`),
  KEY `schedule_by_flow` (`flow_id`,`id`),
  KEY `schedule_by_calendar` (`calendar_id`,`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `schedule_cursor` (
  `schedule_id` bigint NOT NULL,
  `time` bigint NOT NULL,
  `data_date` date DEFAULT NULL,
  `last_firing_id` bigint DEFAULT NULL,
  PRIMARY KEY (`schedule_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `server` (
  `instance` varchar(255) NOT NULL,
  `boot` varchar(255) NOT NULL,
  `url` longtext DEFAULT NULL,
  `version` varchar(255) NOT NULL,
  `executor_inside` tinyint(1) NOT NULL,
  `started_at` bigint NOT NULL,
  `seen_at` bigint NOT NULL,
  PRIMARY KEY (`instance`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `shared_param` (
  `id` bigint NOT NULL,
  `version` bigint NOT NULL,
  `name` varchar(255) NOT NULL,
  `directory` longtext NOT NULL,
  `updated_at` bigint NOT NULL,
  `search` longtext NOT NULL,
  `kind` varchar(20) NOT NULL,
  `data_source_id` bigint DEFAULT NULL,
  `definition` longtext NOT NULL,
  PRIMARY KEY (`id`),
  KEY `shared_param_by_name` (`name`,`id`),
  KEY `shared_param_by_updated_at` (`updated_at`,`id`),
  KEY `shared_param_by_data_source` (`data_source_id`,`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `sign_in` (
  `digest` varchar(64) NOT NULL,
  `kept` longtext NOT NULL,
  `ends_at` bigint NOT NULL,
  PRIMARY KEY (`digest`),
  KEY `sign_in_by_end` (`ends_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `user` (
  `id` bigint NOT NULL AUTO_INCREMENT,
  `account` varchar(255) NOT NULL,
  `name` varchar(255) NOT NULL,
  `search` longtext NOT NULL,
  `enabled` tinyint(1) NOT NULL,
  `password_hash` varchar(255) DEFAULT NULL,
  `must_change_password` tinyint(1) NOT NULL,
  `version` bigint NOT NULL,
  `created_at` bigint NOT NULL,
  `updated_at` bigint NOT NULL,
  `signed_in_at` bigint DEFAULT NULL,
  `origin` varchar(20) NOT NULL DEFAULT 'local',
  `subject` varchar(255) DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `account` (`account`),
  UNIQUE KEY `user_by_subject` (`origin`,`subject`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `user_role` (
  `user_id` bigint NOT NULL,
  `role_id` bigint NOT NULL,
  PRIMARY KEY (`user_id`,`role_id`),
  KEY `user_role_by_role` (`role_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `user_session` (
  `digest` varchar(64) NOT NULL,
  `user_id` bigint NOT NULL,
  `started_at` bigint NOT NULL,
  `seen_at` bigint NOT NULL,
  `ends_at` bigint NOT NULL,
  PRIMARY KEY (`digest`),
  KEY `user_session_by_user` (`user_id`),
  KEY `user_session_by_end` (`ends_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `webhook` (
  `id` bigint NOT NULL,
  `version` bigint NOT NULL,
  `name` varchar(255) NOT NULL,
  `directory` longtext NOT NULL,
  `updated_at` bigint NOT NULL,
  `search` longtext NOT NULL,
  `enabled` tinyint(1) NOT NULL,
  `definition` longtext NOT NULL,
  PRIMARY KEY (`id`),
  KEY `webhook_by_name` (`name`,`id`),
  KEY `webhook_by_updated_at` (`updated_at`,`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `webhook_delivery` (
  `id` bigint NOT NULL AUTO_INCREMENT,
  `digest` varchar(64) NOT NULL,
  `webhook_id` bigint NOT NULL,
  `name` varchar(255) NOT NULL,
  `first_at` bigint NOT NULL,
  `at` bigint NOT NULL,
  `tries` bigint NOT NULL,
  `address` varchar(255) NOT NULL,
  `outcome` varchar(20) NOT NULL,
  `reason` longtext NOT NULL,
  `execution_id` bigint DEFAULT NULL,
  `data_date` date DEFAULT NULL,
  `body` longtext NOT NULL,
  `body_bytes` bigint NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `digest` (`digest`),
  KEY `webhook_delivery_by_webhook` (`webhook_id`,`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

