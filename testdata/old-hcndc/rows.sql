-- See README.md.
INSERT INTO tb_exec_host (server_id, server_host, server_name, is_deleted) VALUES
  (1, '10.0.0.5', 'ETL 主机', 0),
  (2, '10.0.0.6', 'etl-2', 0),
  (3, '10.0.0.5', '同一台', 0),
  (4, '10.0.0.9', '旧主机', 1),
  (5, 'no host!', 'odd', 0),
  (6, '10.0.0.10', '无人使用', 1);

INSERT INTO tb_interface (interface_id, interface_name, interface_desc, interface_index, retry, run_time, is_deleted) VALUES
  (1, '订单装载', '每晚', '零售', 3, '2020-03-11', 0),
  (2, '日报/汇总', '', '零售/日报', 0, NULL, 0),
  (3, '已删除', '', '', 0, NULL, 1),
  (4, '订单装载', '重名', '', 0, NULL, 0),
  (5, '环甲', '', '', 0, NULL, 0),
  (6, '环乙', '', '', 0, NULL, 0),
  (7, '空流', '', '', 0, NULL, 0),
  (8, '互等', '', '', 0, NULL, 0);
INSERT INTO tb_interface_parent (interface_id, parent_id, is_deleted) VALUES
  (2, 1, 0), (2, 1, 0), (2, 2, 0), (2, 3, 0), (4, 99, 0), (1, NULL, 0), (5, 6, 0), (6, 5, 0), (7, 1, 1);

INSERT INTO tb_jobs (job_id, interface_id, job_name, job_desc, job_index, server_id, server_dir, server_script, return_code, is_deleted) VALUES
  (11, 1, 'extract', '抽取', '零售', 1, '/srv/etl', 'python3 extract.py', 0, 0),
  (12, 1, 'load', '', '', 2, '/srv/etl', 'echo ${date} $HOME && load.sh', 3, 0),
  (13, 1, 'load', '重名', '', 3, '/srv/etl', 'load.sh', 0, 0),
  (14, 2, 'sum', '', '', 4, '/srv/etl', 'sum.sh', 0, 0),
  (15, 2, 'mail', '', '', 77, 'E:\\jobs', 'mail.bat', 300, 0),
  (16, 3, 'lost', '', '', 1, '/', 'true', 0, 0),
  (17, 1, 'gone', '', '', 1, '/', 'true', 0, 1),
  (18, 4, 'a', '', '', 1, '/', 'true', 0, 0),
  (19, 4, 'b', '', '', 1, '/', '', 0, 0),
  (20, 8, 'x', '', '', 1, '/', 'true', 0, 0),
  (21, 99, 'nowhere', '', '', 1, '/', 'true', 0, 0);
INSERT INTO tb_job_prep (job_id, prep_id, is_deleted) VALUES
  (12, 11, 0), (12, 11, 0), (13, 13, 0), (13, 17, 0), (11, NULL, 0),
  (18, 19, 0), (19, 18, 0),
  (14, 12, 0),
  (20, 11, 0), (11, 20, 0),
  (13, 11, 1);

INSERT INTO tb_datasource (source_id, source_name, source_type, auth_type, source_host, source_port, source_database, source_user, source_password, source_desc, is_deleted) VALUES
  (1, '仓库', 1, 0, '10.0.1.1', 3306, 'dw', 'etl', 'd2FyZWhvdXNlLXB3', '数仓', 0),
  (2, 'hive', 4, 4, '10.0.1.2', 10000, 'default', NULL, NULL, NULL, 0),
  (3, '停用', 1, 0, '10.0.1.3', 3306, '', '', 'plain-pw!', NULL, 1);
INSERT INTO tb_param_config (param_id, param_type, param_name, param_index, source_id, param_value, param_desc, is_deleted) VALUES
  (1, 2, '数据日期', '公共', NULL, '$date', '', 0),
  (2, 0, 'region', '公共/地区', NULL, 'north south', '两个词', 0),
  (3, 1, 'max_id', '', 1, 'SELECT MAX(id) FROM orders;', '', 0),
  (4, 1, 'orphan', '', 3, 'SELECT 1', '', 0),
  (5, 2, 'flow', '', NULL, '$flow_name', '', 0),
  (6, 2, 'what', '', NULL, '$nothing', '', 0),
  (7, 0, 'old', '', NULL, 'x', '', 1),
  (8, 0, 'list', '', NULL, '1,2', NULL, 0),
  (9, 0, 'region', '', NULL, 'plain', NULL, 0),
  (10, 1, 'hive_max', '', 2, 'SELECT 1', '', 0);
INSERT INTO tb_job_param (job_id, param_id, is_deleted) VALUES
  (11, 3, 0), (11, 1, 0), (11, 3, 0), (11, 7, 0), (11, 6, 0), (11, 8, 1),
  (13, 2, 0), (13, 1, 0),
  (14, 4, 0), (18, 5, 0), (99, 1, 0);

INSERT INTO tb_dispatch (dispatch_id, interface_id, dispatch_name, dispatch_desc, `minute`, `hour`, `day`, `month`, `week`, `status`) VALUES
  (1, 1, '每晚', '装载', '30', '2', '*', '*', '*', 1),
  (2, 2, '每周', '', '0', '6', '*', '*', 'mon-fri', 1),
  (3, 3, '孤儿', '', '0', '6', '*', '*', '*', 1),
  (4, 4, '每晚', '', '0', '6', 'last', '*/3', '1', 2),
  (5, 5, '错误', '', '0', '25', '*', '*', '*', 1),
  (6, 6, '已删', '', '0', '5', '*', '*', '*', 0),
  (7, 7, '第几个', '', '0', '5', '2nd fri', '*', '*', 1);

INSERT INTO tb_dispatch_alert_conf (id, alert_channel, conf_name, param_host, param_port, param_config, param_pass, is_deleted) VALUES
  (1, 1, '邮件', 'smtp.example.com', '465', 'hcndc@example.com', 'mail-pw', 0),
  (2, 2, '钉钉', '', '0', 'https://oapi.dingtalk.com/robot/send?access_token=robot-token', '', 0),
  (3, 1, '坏邮件', 'smtp.example.com', '0', 'nobody', '', 0),
  (4, 1, '无人', 'smtp.example.com', '465', 'hcndc@example.com', 'x', 0),
  (5, 2, '坏钉钉', '', '0', '机器人', '', 0),
  (6, 9, '短信', '', '0', '', '', 0),
  (7, 1, '已删', '', '0', '', '', 1);
INSERT INTO tb_dispatch_alert (id, dispatch_id, config_id, alert_type, send_mail, is_deleted) VALUES
  (1, 1, 1, 2, 'ann@example.com;bo@example.com', 0),
  (2, 1, 2, 1, '', 0),
  (3, 2, 1, 2, 'bo@example.com, ann@example.com', 0),
  (4, 2, 1, 1, 'cy@example.com', 0),
  (5, 2, 3, 2, 'ann@example.com', 0),
  (6, 3, 1, 2, 'ann@example.com', 1),
  (7, 6, 1, 2, 'ann@example.com', 0),
  (8, 1, 7, 2, 'ann@example.com', 0);

INSERT INTO tb_ftp_config (ftp_id, ftp_name, ftp_desc, ftp_type, ftp_host, ftp_port, ftp_user, ftp_passwd, is_deleted) VALUES
  (1, '银行', '对账', 2, 'sftp.example.com', 22, 'bank', 'YmFuay1wdw==', 0),
  (2, 'old', '', 1, 'ftp.example.com', 21, 'old', 'old-pw!', 1);
INSERT INTO tb_file_event (ftp_event_id, event_name, event_desc, ftp_id, data_path, file_name, start_time, end_time, interval_value, date_time, `status`) VALUES
  (1, '对账文件', '', 1, '/in/', 'ledger_%Y%m%d.csv', '8', '20', 5, '2020-03-11', 1),
  (2, '停用服务器', '', 2, '/in', 'a.csv', '00:00', '23:59', 5, '2020-03-11', 1),
  (3, '暂停', '', 1, 'in', 'b_%Y-%m-%d.csv', '00:00', '23:59', 0, '2020-03-11', 2),
  (4, '已删', '', 1, '/in', 'c.csv', '00:00', '23:59', 5, '2020-03-11', 0);
INSERT INTO tb_file_event_interface (ftp_event_id, interface_id) VALUES (1, 1), (1, 3), (3, 7), (4, 1), (2, 1);

INSERT INTO tb_user (id, user_name, password, is_deleted) VALUES
  (1, 'admin', 'c3284d0f94606de1fd2af172aba15bf3', 0),
  (2, 'Ann', '5f4dcc3b5aa765d61d8327deb882cf99', 0),
  (3, '张 三', '5f4dcc3b5aa765d61d8327deb882cf99', 0),
  (4, 'left', '5f4dcc3b5aa765d61d8327deb882cf99', 1);
INSERT INTO tb_user_roles (id, name, description, is_deleted) VALUES
  (1, '管理员', '全部权限', 0), (2, 'viewer', '只看', 0), (3, '旧', '', 1);
INSERT INTO tb_user_privilege (id, permission, description) VALUES
  (1, 'write', ''), (2, 'execute', ''), (3, 'schedule', ''), (4, 'fly', '');
INSERT INTO tb_user_privilege_link (role_id, privilege_id, is_deleted) VALUES
  (1, 1, 0), (1, 2, 0), (1, 3, 0), (1, 4, 0), (2, 1, 1);
INSERT INTO tb_user_roles_link (user_id, role_id, is_deleted) VALUES
  (1, 1, 0), (2, 1, 0), (2, 2, 0), (3, 2, 0), (3, 3, 0), (2, 9, 1);
