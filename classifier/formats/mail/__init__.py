"""Mails, and files of many ▶ their articles."""
