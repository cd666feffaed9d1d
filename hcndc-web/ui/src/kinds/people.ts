/** Kinds of those who may do something: users, roles, tokens. */
import { COLUMN_ENABLED, COLUMN_UPDATED, DESCRIPTION, ENABLED, NAME, p, type Field, type Kind } from './types'

const PERMISSIONS = [
  ['read', 'see all that there is', '查看'], ['write', 'change definitions', '修改定义'], ['execute', 'start, stop and settle executions', '启动、停止和处置执行'],
  ['schedule', 'pause, resume and run schedules, backfill', '暂停、恢复、运行调度及补数'], ['admin', 'executors, users, roles, tokens, audit', '执行服务器、用户、角色、令牌、审计'],
].map(([value = '', en = '', zh = '']) => ({ value, label: p(`${value}: ${en}`, `${value}：${zh}`) }))

const ROLE_PERMISSIONS: Field = { name: 'permissions', type: 'many', required: true, initial: ['read'], options: PERMISSIONS, label: p('Permissions', '权限'), help: p('What may be done; give no more than is needed.', '可执行的操作，按需授予。') }

const ORIGINS = [
  { value: 'local', label: p('a password of this server', '本服务器的密码') }, { value: 'ldap', label: p('a directory (LDAP)', '目录服务（LDAP）') },
  { value: 'oidc', label: p('a provider (OpenID Connect)', '身份提供方（OpenID Connect）') },
]

export const users: Kind = {
  key: 'users', page: '/user/', one: p('user', '用户'), many: p('Users', '用户'),
  about: p('Who may sign in.', '可以登录的人。'), start: p('Give each person an account of their own.', '为每个人建立自己的账号。'),
  filters: ['enabled'], needs: 'admin', noCheck: true, title: 'account', secretOf: 'one_time_password',
  detail: () => import('@/pages/UserParts.vue'),
  columns: [
    { name: 'account', label: p('Account', '账号'), type: 'name', sort: 'account' }, { name: 'name', label: p('Name', '姓名') },
    { name: 'roles', label: p('Roles', '角色'), type: 'refs' }, { name: 'origin', label: p('From', '来源'), wide: true }, { name: 'signed_in_at', label: p('Last sign-in', '最近登录'), type: 'time', wide: true },
    COLUMN_ENABLED, { ...COLUMN_UPDATED, sort: '' },
  ],
  fields: [
    { name: 'account', type: 'text', required: true, label: p('Account', '账号'), help: p('What is typed to sign in: without spaces and slashes.', '登录时输入，不含空格和斜杠。') },
    { name: 'name', type: 'text', empty: '', label: p('Name', '姓名'), help: p('As people call them.', '便于他人辨认。') },
    { name: 'roles', type: 'refs', to: 'roles', label: p('Roles', '角色'), help: p('May do what any of them allows; without one, nothing.', '拥有所选角色的全部权限；未选择则无权限。') },
    { ...ENABLED, help: p('Whether it may sign in.', '是否可以登录。') },
    { name: 'origin', type: 'select', initial: 'local', advanced: true, options: ORIGINS, label: p('Signs in by', '登录方式'), help: p('By a directory or a provider: whoever signs in there first under this account is this user. A change ends all sessions, and the old password is gone.', '选择目录服务或身份提供方时，首个在那里以此账号登录的人即为该用户。更改后会结束全部会话，原密码作废。') },
    { name: 'password', type: 'secret', onlyNew: true, when: (user) => user['origin'] === 'local' || !user['origin'], label: p('Password', '密码'), help: p('To be changed at the first sign-in. Empty: one is made, and shown once.', '首次登录须修改。留空则自动生成并只显示一次。') },
  ],
}

export const roles: Kind = {
  key: 'roles', page: '/user/role/', one: p('role', '角色'), many: p('Roles', '角色'),
  about: p('What kinds of people may do, and where.', '各类人员可以做什么、在哪里做。'), start: p('Make a role, then give it to users.', '新建角色，再授予用户。'),
  needs: 'admin', noCheck: true,
  columns: [
    { name: 'name', label: p('Name', '名称'), type: 'name', sort: 'name' }, { name: 'permissions', label: p('Permissions', '权限') , type: 'words' },
    { name: 'directories', label: p('Directories', '目录'), type: 'words', wide: true }, { ...COLUMN_UPDATED, sort: '' },
  ],
  fields: [
    NAME, DESCRIPTION, ROLE_PERMISSIONS,
    { name: 'directories', type: 'words', label: p('Directories', '目录'), placeholder: '/retail', help: p('Where definitions may be changed and flows run by it; empty for everywhere. Reading is not limited by it.', '可在哪些目录修改定义和运行任务流，留空为全部；查看不受限制。') },
  ],
}

export const tokens: Kind = {
  key: 'tokens', page: '/token/', one: p('API token', '令牌'), many: p('API tokens', 'API 令牌'),
  about: p('For programs that act for you.', '供代表您操作的程序使用。'), start: p('Make a token for each program; it is shown once.', '为每个程序建立令牌，只显示一次。'),
  needs: 'read', noCheck: true, secretOf: 'token',
  columns: [
    { name: 'name', label: p('Name', '名称'), type: 'name', sort: 'name' }, { name: 'account', label: p('User', '用户') }, { name: 'permissions', label: p('Permissions', '权限'), type: 'words' },
    { name: 'expires_at', label: p('Expires', '到期'), type: 'time', wide: true }, { name: 'used_at', label: p('Last used', '最近使用'), type: 'time', wide: true }, COLUMN_UPDATED,
  ],
  fields: [
    { ...NAME, help: p('What it is for.', '用途。') }, ROLE_PERMISSIONS,
    { name: 'account', type: 'text', onlyNew: true, advanced: true, placeholder: '', label: p('User', '用户'), help: p('Empty: yourself. Others’ tokens need the permission admin.', '留空为本人；为他人创建需要 admin 权限。') },
    { name: 'expires_at', type: 'instant', empty: null, label: p('Expires', '到期'), help: p('Empty: never.', '留空为永不到期。') },
  ],
}
