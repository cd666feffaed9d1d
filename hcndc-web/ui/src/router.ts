import { createRouter, createWebHistory, START_LOCATION, type RouteRecordRaw } from 'vue-router'
import { KINDS } from '@/kinds'
import type { Kind } from '@/kinds/types'
import { isMissing, loadAnew, missing } from '@/state/missing'
import { loadSession, session } from '@/state/session'

/** List, new, detail and edit of a kind, at its address. */
function pagesOf(kind: Kind): RouteRecordRaw[] {
  const props = { kind }
  const withId = (route: { params: Record<string, string | string[]> }) => ({ kind, id: Number(route.params['id']) })
  // Who may sign in, and as what, is told to nobody else.
  const meta = { menu: kind.page, ...(['users', 'roles'].includes(kind.key) ? { needs: kind.needs } : {}) }
  const change = { ...meta, needs: kind.needs }
  const upload = { path: `${kind.page}upload/`, component: () => import('@/pages/UploadPage.vue'), props: { kind, sheet: kind.sheet }, meta: change }
  return [
    ...(kind.sheet ? [upload] : []),
    { path: kind.page, component: () => import('@/kinds/KindList.vue'), props, meta },
    { path: `${kind.page}new/`, component: () => import('@/kinds/KindForm.vue'), props, meta: change },
    { path: `${kind.page}:id(\\d+)/`, component: () => import('@/kinds/KindDetail.vue'), props: withId, meta },
    { path: `${kind.page}:id(\\d+)/edit/`, component: () => import('@/kinds/KindForm.vue'), props: withId, meta: change },
  ]
}

const id = (route: { params: Record<string, string | string[]> }) => ({ id: Number(route.params['id']) })

export const router = createRouter({
  history: createWebHistory(),
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
  routes: [
    { path: '/', redirect: '/home/' },
    { path: '/login/', component: () => import('@/pages/LoginPage.vue'), meta: { bare: true, anyone: true } },
    { path: '/home/', component: () => import('@/pages/HomePage.vue'), meta: { menu: '/home/' } },
    { path: '/execute/', component: () => import('@/pages/ExecutionsPage.vue'), meta: { menu: '/execute/' } },
    { path: '/execute/grid/', component: () => import('@/pages/GridPage.vue'), meta: { menu: '/execute/' } },
    { path: '/execute/:id(\\d+)/', component: () => import('@/pages/ExecutionPage.vue'), props: id, meta: { menu: '/execute/' } },
    { path: '/backfill/', component: () => import('@/pages/BackfillsPage.vue'), meta: { menu: '/backfill/' } },
    { path: '/backfill/new/', component: () => import('@/pages/BackfillNewPage.vue'), meta: { menu: '/backfill/', needs: 'schedule' } },
    { path: '/backfill/:id(\\d+)/', component: () => import('@/pages/BackfillPage.vue'), props: id, meta: { menu: '/backfill/' } },
    { path: '/alert/', component: () => import('@/pages/AlertsPage.vue'), meta: { menu: '/alert/' } },
    { path: '/forecast/', component: () => import('@/pages/ForecastPage.vue'), meta: { menu: '/forecast/' } },
    { path: '/interface/graph/', component: () => import('@/pages/MeshPage.vue'), meta: { menu: '/interface/graph/' } },
    { path: '/interface/:id(\\d+)/graph/', component: () => import('@/pages/FlowGraphPage.vue'), props: id, meta: { menu: '/interface/' } },
    ...KINDS.flatMap(pagesOf),
    { path: '/audit/', component: () => import('@/pages/AuditPage.vue'), meta: { menu: '/audit/', needs: 'admin' } },
    { path: '/:rest(.*)*', component: () => import('@/pages/UnknownPage.vue') },
  ],
})

/** Has the browser fetch the code of the page at this address. */
export function fetchPage(address: string): void {
  for (const { components } of router.resolve(address).matched) {
    const page: unknown = components?.['default']
    if (typeof page === 'function') (page as () => Promise<unknown>)().catch(() => {})
  }
}

router.beforeEach(async (to) => {
  if (to.meta['anyone']) return true
  if (!session.value && !(await loadSession())) return { path: '/login/', query: { to: to.fullPath } }
  if (session.value?.must_change_password) return { path: '/login/', query: { to: to.fullPath } }
  return true
})

router.onError((error: unknown, to, from) => {
  if (!isMissing(error)) {
    // As the router itself does with what nobody expects.
    // eslint-disable-next-line no-console
    console.error(error)
  } else if (from === START_LOCATION) {
    // The app was loaded for it just now.
    missing.value = to.fullPath
  } else {
    void loadAnew(to.fullPath)
  }
})
router.afterEach((_to, _from, failure) => {
  if (!failure) missing.value = null
})
