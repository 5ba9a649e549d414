// Notifications.
