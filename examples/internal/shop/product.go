package shop

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Product is a row of the database, and what is cached.
type Product struct {
	ID          int64     `json:"id"`
	Name        string    `json:"name"`
	Description string    `json:"description"`
	PriceCents  int64     `json:"price_cents"`
	Stock       int64     `json:"stock"`
	Version     int64     `json:"version"`
	UpdatedAt   time.Time `json:"updated_at"`
}

// A Change is what a writer does to a product: it sells some, and sets a price.
type Change struct {
	ID         int64
	PriceCents int64
	Sold       int64
}

var (
	brands    = []string{"Alder", "Birk", "Calmar", "Dunmore", "Eskil", "Ferro", "Halden", "Isar", "Kestrel", "Lomond", "Norr", "Tamar"}
	materials = []string{"oak", "walnut", "steel", "linen", "wool", "ceramic", "glass", "bamboo", "leather", "recycled cotton"}
	objects   = []string{"desk lamp", "side table", "bookshelf", "water bottle", "backpack", "armchair", "cutting board", "teapot", "blanket", "wall clock", "storage box", "notebook"}
	colours   = []string{"black", "white", "sand", "forest green", "navy", "terracotta", "grey", "mustard"}
	qualities = []string{"Made in small batches.", "Repairable, with spare parts for ten years.", "Wipe clean with a damp cloth.", "Ships flat, assembled in minutes.", "Tested for everyday use.", "Packed without plastic."}
)

// newProduct returns the product with this id as it is at first.
func newProduct(r *rand.Rand, id int64) Product {
	one := func(of []string) string { return of[r.IntN(len(of))] }
	material, object := one(materials), one(objects)
	return Product{
		ID:   id,
		Name: fmt.Sprintf("%s %s %s, %s", one(brands), material, object, one(colours)),
		Description: fmt.Sprintf("A %s of %s, %d by %d by %d cm. %s %s", object, material,
			10+r.IntN(90), 10+r.IntN(60), 4+r.IntN(40), one(qualities), one(qualities)),
		PriceCents: newPrice(r),
		Stock:      int64(r.IntN(5_000)),
		Version:    1,
		UpdatedAt:  time.UnixMilli(time.Now().UnixMilli()).UTC(),
	}
}

// newPrice returns a price from 4.99 to 499.99.
func newPrice(r *rand.Rand) int64 { return int64(r.IntN(496)+5)*100 - 1 }
