import './look.css'
import { createApp } from 'vue'
import App from './App.vue'
import { api, Refused } from './api/client'
import { session } from './live/store'
import { router } from './router'
import { settings } from './parts/settings'
import { i18n, speak } from './words'

speak(settings.language)

// Who is signed in decides the first page; an answer that never came shows the page that says so.
api
  .session()
  .then((s) => (session.value = s))
  .catch((e: unknown) => {
    if (!(e instanceof Refused)) console.warn('session:', e)
  })
  .finally(() => createApp(App).use(i18n).use(router).mount('#app'))
