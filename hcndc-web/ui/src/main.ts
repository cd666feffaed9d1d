import { createApp } from 'vue'
import 'element-plus/theme-chalk/base.css'
import 'element-plus/theme-chalk/dark/css-vars.css'
import './styles/tokens.css'
import './styles/base.css'
import App from './App.vue'
import { i18n } from './i18n'
import { fetchPage, router } from './router'
import { keepPrefs } from './state/prefs'
import { loadSession } from './state/session'

keepPrefs()
// Both are under way while the shell is drawn; the router waits for them, and tells what goes wrong.
loadSession().catch(() => {})
fetchPage(location.pathname)
createApp(App).use(i18n).use(router).mount('#app')
