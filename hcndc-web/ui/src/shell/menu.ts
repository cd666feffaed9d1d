/** The side menu: what there is, in which order, and what each needs. */
import {
  AlarmClock, Avatar, Bell, Box, Calendar, Coin, Connection, Cpu, DataLine, Document, Finished, FolderOpened, House, Key, Link, List, MessageBox, Operation, Share, Tickets, TrendCharts, User, Warning,
} from '@element-plus/icons-vue'
import type { Component } from 'vue'
import type { Permission } from '@/state/session'

export interface Entry {
  to: string
  text: string
  icon: Component
  needs?: Permission
  /** Only where people sign in. */
  users?: boolean
}

export const MENU: { text: string; entries: Entry[] }[] = [
  {
    text: 'watch',
    entries: [
      { to: '/home/', text: 'home', icon: House },
      { to: '/execute/', text: 'execute', icon: DataLine },
      { to: '/alert/', text: 'alert', icon: Warning },
      { to: '/backfill/', text: 'backfill', icon: Finished },
      { to: '/forecast/', text: 'forecast', icon: TrendCharts },
    ],
  },
  {
    text: 'define',
    entries: [
      { to: '/interface/', text: 'interface', icon: Share },
      { to: '/interface/graph/', text: 'graph', icon: Connection },
      { to: '/job/', text: 'job', icon: Tickets },
      { to: '/dispatch/', text: 'dispatch', icon: AlarmClock },
      { to: '/dispatch/alert/', text: 'dispatchAlert', icon: Bell },
      { to: '/calendar/', text: 'calendar', icon: Calendar },
      { to: '/pool/', text: 'pool', icon: Box },
      { to: '/params/', text: 'params', icon: Operation },
    ],
  },
  {
    text: 'connect',
    entries: [
      { to: '/base/exec/host/', text: 'executor', icon: Cpu },
      { to: '/datasource/', text: 'datasource', icon: Coin },
      { to: '/ftp/', text: 'ftp', icon: FolderOpened },
      { to: '/ftp/event/', text: 'ftpEvent', icon: Document },
      { to: '/hook/', text: 'hook', icon: Link },
      { to: '/base/alert/', text: 'baseAlert', icon: MessageBox },
    ],
  },
  {
    text: 'manage',
    entries: [
      { to: '/user/', text: 'user', icon: User, needs: 'admin', users: true },
      { to: '/user/role/', text: 'role', icon: Avatar, needs: 'admin', users: true },
      { to: '/token/', text: 'token', icon: Key, users: true },
      { to: '/audit/', text: 'audit', icon: List, needs: 'admin' },
    ],
  },
]
