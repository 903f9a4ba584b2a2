import './look.css'
import { createApp } from 'vue'
import App from './App.vue'
import { api, Refused } from './api/client'
import { deskAway, session } from './live/store'
import { router } from './router'
import { settings } from './parts/settings'
import { i18n, speak } from './words'

speak(settings.language)

// Who is signed in decides the first page; an answer that never came shows the page that says so.
api
  .session()
  .then((s) => (session.value = s))
  .catch((e: unknown) => {
    deskAway.value = !(e instanceof Refused) || e.status >= 500
  })
  .finally(() => createApp(App).use(i18n).use(router).mount('#app'))
