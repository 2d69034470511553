# sdk/lib
