// Package bigcacheprovider is not written yet.
package bigcacheprovider
