// Package redisprovider is not written yet.
package redisprovider
