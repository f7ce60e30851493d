import { computed, ref } from 'vue'

export const token = ref('')
export const user = ref(null)
export const isAuthenticated = computed(() => Boolean(token.value))
