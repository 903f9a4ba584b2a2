import { createRouter, createWebHashHistory } from 'vue-router'
import Queue from './pages/Queue.vue'
import { isIn, session } from './live/store'

declare module 'vue-router' {
  interface RouteMeta {
    title: string
    open?: boolean // without having signed in
  }
}

/** The part behind # is the page, so that any server that hands out files can serve the screens. The queue is in the first load; the rest comes when it is asked for. */
export const router = createRouter({
  history: createWebHashHistory(),
  routes: [
    { path: '/', redirect: '/queue' },
    { path: '/sign-in', name: 'sign-in', component: () => import('./pages/SignIn.vue'), meta: { title: 'sign.title', open: true } },
    { path: '/unlocked', name: 'unlocked', component: () => import('./pages/Unlocked.vue'), meta: { title: 'lock.unlock', open: true } },
    { path: '/queue/:id?', name: 'queue', component: Queue, meta: { title: 'nav.queue' } },
    { path: '/warning/:id', name: 'warning', component: () => import('./pages/Warning.vue'), meta: { title: 'warning.title' } },
    { path: '/groups', name: 'groups', component: () => import('./pages/Groups.vue'), meta: { title: 'groups.title' } },
    { path: '/groups/:tenant/:group', name: 'board', component: () => import('./pages/Board.vue'), meta: { title: 'board.title' } },
    { path: '/unjudged', name: 'unjudged', component: () => import('./pages/Unjudged.vue'), meta: { title: 'judge.title' } },
    { path: '/emergencies', name: 'emergencies', component: () => import('./pages/Emergencies.vue'), meta: { title: 'emergency.list' } },
    { path: '/audit', name: 'audit', component: () => import('./pages/Audit.vue'), meta: { title: 'audit.title' } },
    { path: '/packs', name: 'packs', component: () => import('./pages/Packs.vue'), meta: { title: 'packs.title' } },
    { path: '/packs/:id/:part(watches|rules|tests|record)?', name: 'pack', component: () => import('./pages/Pack.vue'), meta: { title: 'packs.title' } },
    { path: '/packs/:id/draft', name: 'draft', component: () => import('./pages/Draft.vue'), meta: { title: 'draft.name' } },
    { path: '/patients/:tenant/:patient/plan', name: 'plan', component: () => import('./pages/Plan.vue'), meta: { title: 'plan.title' } },
    { path: '/patients/:tenant/:patient', name: 'patient', component: () => import('./pages/Patient.vue'), meta: { title: 'course.title' } },
    { path: '/quality', name: 'quality', component: () => import('./pages/Quality.vue'), meta: { title: 'nav.quality' } },
    { path: '/duty', name: 'duty', component: () => import('./pages/Duty.vue'), meta: { title: 'nav.duty' } },
    { path: '/accounts', name: 'accounts', component: () => import('./pages/Accounts.vue'), meta: { title: 'admin.accounts' } },
    { path: '/patients', name: 'patients', component: () => import('./pages/Patients.vue'), meta: { title: 'admin.patients' } },
    { path: '/devices', name: 'devices', component: () => import('./pages/Devices.vue'), meta: { title: 'admin.devices' } },
    { path: '/teams', name: 'teams', component: () => import('./pages/Teams.vue'), meta: { title: 'teams.title' } },
    { path: '/consents', name: 'consents', component: () => import('./pages/Consents.vue'), meta: { title: 'consents.title' } },
    { path: '/import', name: 'import', component: () => import('./pages/Import.vue'), meta: { title: 'admin.importTitle' } },
    { path: '/:rest(.*)', name: 'nothing', component: () => import('./pages/Nothing.vue'), meta: { title: 'error.notPage', open: true } },
  ],
})

// A new page begins at its top, also for whoever does not see it.
router.afterEach((to, from) => {
  if (from.name && from.name !== to.name && from.name !== 'sign-in') document.getElementById('main')?.focus({ preventScroll: true })
})

router.beforeEach((to) => {
  if (to.meta.open) return true
  if (!isIn(session.value)) return { name: 'sign-in', query: { to: to.fullPath } }
  return true
})
