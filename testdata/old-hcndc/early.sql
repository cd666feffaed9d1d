-- See README.md.
CREATE TABLE tb_exec_host (
  server_id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  server_host VARCHAR(255) NOT NULL DEFAULT '',
  server_name VARCHAR(255) NOT NULL DEFAULT '',
  insert_time INT NOT NULL DEFAULT 0, update_time INT NOT NULL DEFAULT 0,
  creator_id INT NOT NULL DEFAULT 1, updater_id INT NOT NULL DEFAULT 1,
  is_deleted TINYINT NOT NULL DEFAULT 0
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
CREATE TABLE tb_interface (
  interface_id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  interface_name VARCHAR(255) NOT NULL DEFAULT '',
  interface_desc VARCHAR(255) NOT NULL DEFAULT '',
  retry TINYINT NOT NULL DEFAULT 0,
  run_time DATETIME DEFAULT NULL,
  insert_time INT NOT NULL DEFAULT 0, update_time INT NOT NULL DEFAULT 0,
  creator_id INT NOT NULL DEFAULT 1, updater_id INT NOT NULL DEFAULT 1,
  is_deleted TINYINT NOT NULL DEFAULT 0
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
CREATE TABLE tb_jobs (
  job_id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  interface_id INT NOT NULL,
  job_name VARCHAR(255) NOT NULL DEFAULT '',
  job_desc VARCHAR(255) NOT NULL DEFAULT '',
  server_id INT NOT NULL,
  server_dir VARCHAR(255) NOT NULL DEFAULT '',
  server_script VARCHAR(500) NOT NULL DEFAULT '',
  run_period VARCHAR(50) NOT NULL DEFAULT '',
  insert_time INT NOT NULL DEFAULT 0, update_time INT NOT NULL DEFAULT 0,
  creator_id INT NOT NULL DEFAULT 1, updater_id INT NOT NULL DEFAULT 1,
  is_deleted TINYINT NOT NULL DEFAULT 0
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
CREATE TABLE tb_job_prep (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  job_id INT NOT NULL,
  prep_id INT DEFAULT NULL,
  insert_time INT NOT NULL DEFAULT 0, update_time INT NOT NULL DEFAULT 0,
  creator_id INT NOT NULL DEFAULT 1, updater_id INT NOT NULL DEFAULT 1,
  is_deleted TINYINT NOT NULL DEFAULT 0
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
CREATE TABLE tb_dispatch (
  dispatch_id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  interface_id INT NOT NULL UNIQUE,
  dispatch_name VARCHAR(255) NOT NULL DEFAULT '',
  dispatch_desc VARCHAR(255) NOT NULL DEFAULT '',
  `minute` VARCHAR(255) NOT NULL DEFAULT '*',
  `hour` VARCHAR(255) NOT NULL DEFAULT '03',
  `day` VARCHAR(255) NOT NULL DEFAULT '*',
  `month` VARCHAR(255) NOT NULL DEFAULT '*',
  `week` VARCHAR(255) NOT NULL DEFAULT '*',
  insert_time INT NOT NULL DEFAULT 0, update_time INT NOT NULL DEFAULT 0,
  creator_id INT NOT NULL DEFAULT 1, updater_id INT NOT NULL DEFAULT 1,
  `status` TINYINT NOT NULL DEFAULT 0
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
CREATE TABLE tb_dispatch_alert (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  dispatch_id INT NOT NULL,
  config_id INT NOT NULL,
  alert_type TINYINT NOT NULL DEFAULT 0,
  send_mail VARCHAR(500) NOT NULL DEFAULT '',
  insert_time INT NOT NULL DEFAULT 0, update_time INT NOT NULL DEFAULT 0,
  creator_id INT NOT NULL DEFAULT 1, updater_id INT NOT NULL DEFAULT 1,
  is_deleted TINYINT NOT NULL DEFAULT 0
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
CREATE TABLE tb_dispatch_alert_conf (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  alert_channel TINYINT NOT NULL DEFAULT 0,
  conf_name VARCHAR(255) NOT NULL DEFAULT '',
  param_host VARCHAR(255) NOT NULL DEFAULT '',
  param_port VARCHAR(255) NOT NULL DEFAULT '',
  param_config VARCHAR(255) NOT NULL DEFAULT '',
  param_pass VARCHAR(255) NOT NULL DEFAULT '',
  insert_time INT NOT NULL DEFAULT 0, update_time INT NOT NULL DEFAULT 0,
  creator_id INT NOT NULL DEFAULT 1, updater_id INT NOT NULL DEFAULT 1,
  is_deleted TINYINT NOT NULL DEFAULT 0
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
CREATE TABLE tb_user (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  user_name VARCHAR(20) NOT NULL DEFAULT '',
  password VARCHAR(40) NOT NULL DEFAULT '',
  create_time INT NOT NULL DEFAULT 0, update_time INT NOT NULL DEFAULT 0,
  is_deleted TINYINT NOT NULL DEFAULT 0
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
CREATE TABLE tb_user_roles (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name VARCHAR(40) NOT NULL DEFAULT '',
  description VARCHAR(100) NOT NULL DEFAULT '',
  create_time INT NOT NULL DEFAULT 0, update_time INT NOT NULL DEFAULT 0,
  is_deleted TINYINT NOT NULL DEFAULT 0
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
CREATE TABLE tb_user_roles_link (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  user_id INT NOT NULL DEFAULT 0,
  role_id INT NOT NULL DEFAULT 0,
  create_time INT NOT NULL DEFAULT 0, update_time INT NOT NULL DEFAULT 0,
  is_deleted TINYINT NOT NULL DEFAULT 0
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
CREATE TABLE tb_user_privilege (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  permission VARCHAR(40) NOT NULL DEFAULT '',
  description VARCHAR(100) NOT NULL DEFAULT '',
  create_time INT NOT NULL DEFAULT 0, update_time INT NOT NULL DEFAULT 0,
  is_deleted TINYINT NOT NULL DEFAULT 0
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
CREATE TABLE tb_user_privilege_link (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  role_id INT NOT NULL DEFAULT 0,
  privilege_id INT NOT NULL DEFAULT 0,
  create_time INT NOT NULL DEFAULT 0, update_time INT NOT NULL DEFAULT 0,
  is_deleted TINYINT NOT NULL DEFAULT 0
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO tb_exec_host (server_id, server_host, server_name) VALUES (1, 'localhost', '本机');
INSERT INTO tb_interface (interface_id, interface_name, interface_desc) VALUES (1, '测试接口', '说明');
INSERT INTO tb_jobs (job_id, interface_id, job_name, server_id, server_dir, server_script) VALUES (1, 1, '第一步', 1, '/srv/etl', 'python3 test.py'), (2, 1, '第二步', 1, '/srv/etl', 'python3 test.py');
INSERT INTO tb_job_prep (job_id, prep_id) VALUES (1, NULL), (2, 1);
INSERT INTO tb_dispatch (dispatch_id, interface_id, dispatch_name, `minute`, `hour`, `status`) VALUES (1, 1, '测试调度', '0', '3,10,18,23', 1);
