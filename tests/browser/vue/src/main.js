import { createApp } from 'vue'
import { createRouter, createWebHistory } from 'vue-router'
import App from '@/App.vue'
import BookDetailView from '@/views/BookDetailView.vue'
import HomeView from '@/views/HomeView.vue'
import WholeBookView from '@/views/WholeBookView.vue'

const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: '/', component: HomeView },
    { path: '/books/:id', component: BookDetailView },
    { path: '/whole/:id', component: WholeBookView }
  ]
})

createApp(App).use(router).mount('#app')
