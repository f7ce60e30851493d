import axios from 'axios'
import { token } from '@/session'

const api = axios.create({
  baseURL: `${import.meta.env.VITE_LIVRIA}/api`,
  headers: { 'Content-Type': 'application/json' }
})

api.interceptors.request.use((config) => {
  if (token.value) config.headers.Authorization = `Bearer ${token.value}`
  return config
})

export const accountAPI = {
  login: (data) => api.post('/accounts/login/', data)
}

export const bookAPI = {
  getBooks: () => api.get('/books/'),
  getBook: (id) => api.get(`/books/${id}/`)
}

export const reviewAPI = {
  createReview: (data) => api.post('/reviews/', data),
  deleteReview: (id) => api.delete(`/reviews/${id}/`)
}
