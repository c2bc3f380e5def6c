// Package shop is the database that the examples put caches before, a table of
// products in SQLite, and the order in which products are read and written.
package shop
